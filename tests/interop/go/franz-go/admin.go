package main

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"ksink.interop/plan"
)

type administrator struct {
	bootstrap string
	client    *kadm.Client
}

func administrate(bootstrap string) (plan.Administrator, error) {
	client, err := kadm.NewOptClient(kgo.SeedBrokers(bootstrap))
	return administrator{bootstrap, client}, err
}

func (a administrator) Cluster() (string, error) {
	metadata, err := a.client.BrokerMetadata(context.Background())
	return metadata.Cluster, err
}

func (a administrator) Create(topic string, partitions, replicas int, settings map[string]string) error {
	values := map[string]*string{}
	for name, value := range settings {
		values[name] = &value
	}
	_, err := a.client.CreateTopic(context.Background(), int32(partitions), int16(replicas), values, topic)
	return err
}

// A client remembers what it heard of topics for some seconds, so a new one has to ask.
func (a administrator) Topics() ([]string, error) {
	client, err := kadm.NewOptClient(kgo.SeedBrokers(a.bootstrap))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	topics, err := client.ListTopics(context.Background())
	return topics.Names(), err
}

func (a administrator) Partitions(topic string) (int, error) {
	topics, err := a.client.ListTopics(context.Background(), topic)
	return len(topics[topic].Partitions), err
}

func (a administrator) Setting(topic, name string) (string, error) {
	described, err := a.client.DescribeTopicConfigs(context.Background(), topic)
	if err != nil {
		return "", err
	}
	resource, err := described.On(topic, nil)
	for _, config := range resource.Configs {
		if config.Key == name {
			return config.MaybeValue(), err
		}
	}
	return "", errors.Join(err, errors.New("there is no such setting"))
}

func (a administrator) Grow(topic string, partitions int) error {
	answers, err := a.client.UpdatePartitions(context.Background(), partitions, topic)
	return errors.Join(err, answers.Error())
}

func (a administrator) Delete(topic string) error {
	_, err := a.client.DeleteTopic(context.Background(), topic)
	return err
}

func (a administrator) Code(err error) int {
	if err == nil {
		return 0
	}
	var known *kerr.Error
	if errors.As(err, &known) {
		return int(known.Code)
	}
	return -1
}
