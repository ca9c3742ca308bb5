package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"

	"ksink.interop/plan"
)

type administrator struct {
	client *kafka.Client
}

func administrate(bootstrap string) (plan.Administrator, error) {
	return administrator{&kafka.Client{Addr: kafka.TCP(bootstrap)}}, nil
}

// A Transport remembers what it heard of topics for some seconds, so a new one has to ask.
func (a administrator) metadata(topics []string) (*kafka.MetadataResponse, error) {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := kafka.Client{Addr: a.client.Addr, Transport: transport}
	return client.Metadata(context.Background(), &kafka.MetadataRequest{Topics: topics})
}

func (a administrator) Cluster() (string, error) {
	metadata, err := a.metadata([]string{})
	if err != nil {
		return "", err
	}
	return metadata.ClusterID, nil
}

func (a administrator) Create(topic string, partitions, replicas int, settings map[string]string) error {
	wanted := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: replicas}
	for name, value := range settings {
		wanted.ConfigEntries = append(wanted.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: value})
	}
	answer, err := a.client.CreateTopics(
		context.Background(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{wanted}})
	if err != nil {
		return err
	}
	return answer.Errors[topic]
}

func (a administrator) Topics() ([]string, error) {
	metadata, err := a.metadata(nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, topic := range metadata.Topics {
		names = append(names, topic.Name)
	}
	return names, nil
}

func (a administrator) Partitions(topic string) (int, error) {
	metadata, err := a.metadata([]string{topic})
	if err != nil {
		return 0, err
	}
	if len(metadata.Topics) != 1 {
		return 0, fmt.Errorf("%d topics answered for one", len(metadata.Topics))
	}
	return len(metadata.Topics[0].Partitions), metadata.Topics[0].Error
}

func (a administrator) Setting(topic, name string) (string, error) {
	asked := kafka.DescribeConfigRequestResource{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{name},
	}
	described, err := a.client.DescribeConfigs(context.Background(),
		&kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{asked}})
	if err != nil {
		return "", err
	}
	resource := described.Resources[0]
	if len(resource.ConfigEntries) != 1 {
		return "", errors.Join(resource.Error, fmt.Errorf("%d settings for one", len(resource.ConfigEntries)))
	}
	return resource.ConfigEntries[0].ConfigValue, resource.Error
}

func (a administrator) Grow(topic string, partitions int) error {
	wanted := kafka.TopicPartitionsConfig{Name: topic, Count: int32(partitions)}
	answer, err := a.client.CreatePartitions(context.Background(),
		&kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{wanted}})
	if err != nil {
		return err
	}
	return answer.Errors[topic]
}

func (a administrator) Delete(topic string) error {
	answer, err := a.client.DeleteTopics(context.Background(), &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	if err != nil {
		return err
	}
	return answer.Errors[topic]
}

func (a administrator) Code(err error) int {
	if err == nil {
		return 0
	}
	var known kafka.Error
	if errors.As(err, &known) {
		return int(known)
	}
	return -1
}
