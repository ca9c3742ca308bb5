package plan

import (
	"errors"
	"slices"
)

// Admin is what there is to administer; README.md says it step by step.
type Admin struct {
	Topic          string `json:"topic"`
	Partitions     int    `json:"partitions"`
	MorePartitions int    `json:"more_partitions"`
	RetentionMs    string `json:"retention_ms"`
}

// An Administrator is the client's. Its errors unwrap to one that Code understands.
type Administrator interface {
	Cluster() (string, error)
	Create(topic string, partitions, replicas int, settings map[string]string) error
	Topics() ([]string, error)
	Partitions(topic string) (int, error)
	Setting(topic, name string) (string, error)
	Grow(topic string, partitions int) error
	Delete(topic string) error
	// Code is Kafka's number for an error; 0 for nil, and -1 for what did not come from the server.
	Code(err error) int
}

// Seen is what an administrator saw.
type Seen map[string]any

func (a Admin) do(bootstrap string, open func(string) (Administrator, error)) (Seen, error) {
	admin, err := open(bootstrap)
	if err != nil {
		return nil, err
	}
	settings := map[string]string{"retention.ms": a.RetentionMs}
	create := func() error { return admin.Create(a.Topic, a.Partitions, 1, settings) }
	seen, failures := Seen{}, []error{create()}
	note := func(name string, value any, err error) {
		seen[name] = value
		failures = append(failures, err)
	}
	noteListed := func(name string) {
		topics, err := admin.Topics()
		note(name, slices.Contains(topics, a.Topic), err)
	}
	notePartitions := func(name string) {
		count, err := admin.Partitions(a.Topic)
		note(name, count, err)
	}
	cluster, err := admin.Cluster()
	note("cluster", cluster, err)
	note("created_again", admin.Code(create()), nil)
	note("two_replicas", admin.Code(admin.Create(a.Topic+"-copied", 1, 2, nil)), nil)
	noteListed("listed")
	notePartitions("partitions")
	retention, err := admin.Setting(a.Topic, "retention.ms")
	note("retention_ms", retention, err)
	note("fewer_partitions", admin.Code(admin.Grow(a.Topic, 1)), nil)
	failures = append(failures, admin.Grow(a.Topic, a.MorePartitions))
	notePartitions("more_partitions")
	failures = append(failures, admin.Delete(a.Topic))
	note("deleted_again", admin.Code(admin.Delete(a.Topic)), nil)
	noteListed("listed_after_deletion")
	return seen, errors.Join(failures...)
}
