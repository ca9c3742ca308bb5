package main

import (
	"errors"
	"slices"

	"github.com/IBM/sarama"

	"ksink.interop/plan"
)

type administrator struct {
	client sarama.Client
	admin  sarama.ClusterAdmin
}

func administrate(bootstrap string) (plan.Administrator, error) {
	client, err := sarama.NewClient([]string{bootstrap}, sarama.NewConfig())
	if err != nil {
		return nil, err
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	return administrator{client, admin}, err
}

// The admin client does not tell the id, so the request behind it has to.
func (a administrator) Cluster() (string, error) {
	controller, err := a.admin.Controller()
	if err != nil {
		return "", err
	}
	request := sarama.NewMetadataRequest(a.client.Config().Version, []string{})
	metadata, err := controller.GetMetadata(request)
	if err != nil || metadata.ClusterID == nil {
		return "", errors.Join(err, errors.New("no id"))
	}
	return *metadata.ClusterID, nil
}

func (a administrator) Create(topic string, partitions, replicas int, settings map[string]string) error {
	wanted := sarama.TopicDetail{
		NumPartitions: int32(partitions), ReplicationFactor: int16(replicas), ConfigEntries: map[string]*string{},
	}
	for name, value := range settings {
		wanted.ConfigEntries[name] = &value
	}
	return a.admin.CreateTopic(topic, &wanted, false)
}

func (a administrator) Topics() ([]string, error) {
	if err := a.client.RefreshMetadata(); err != nil {
		return nil, err
	}
	return a.client.Topics()
}

func (a administrator) Partitions(topic string) (int, error) {
	described, err := a.admin.DescribeTopics([]string{topic})
	if err != nil {
		return 0, err
	}
	return len(described[0].Partitions), nil
}

func (a administrator) Setting(topic, name string) (string, error) {
	entries, err := a.admin.DescribeConfig(sarama.ConfigResource{
		Type: sarama.TopicResource, Name: topic, ConfigNames: []string{name},
	})
	at := slices.IndexFunc(entries, func(entry sarama.ConfigEntry) bool { return entry.Name == name })
	if err != nil || at < 0 {
		return "", errors.Join(err, errors.New("no such setting"))
	}
	return entries[at].Value, nil
}

func (a administrator) Grow(topic string, partitions int) error {
	return a.admin.CreatePartitions(topic, int32(partitions), nil, false)
}

func (a administrator) Delete(topic string) error {
	return a.admin.DeleteTopic(topic)
}

func (a administrator) Code(err error) int {
	if err == nil {
		return 0
	}
	var known sarama.KError
	if errors.As(err, &known) {
		return int(known)
	}
	return -1
}
