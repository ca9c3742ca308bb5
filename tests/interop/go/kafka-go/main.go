// segmentio's kafka-go: one Writer a cell, its defaults otherwise, which are acks=0 over several
// connections. It may create topics, or it would never name its own. Run with the path of a plan.
package main

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"ksink.interop/plan"
)

func main() {
	plan.Run("kafka-go", "github.com/segmentio/kafka-go", plan.Client{Open: open, Administrate: administrate})
}

type producer struct {
	writer *kafka.Writer
}

func open(bootstrap string, cell plan.Cell) (plan.Producer, error) {
	writer, err := newWriter(bootstrap, cell)
	return producer{writer}, err
}

func (p producer) Send(records []plan.Record) error {
	deadline, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	var messages []kafka.Message
	for _, record := range records {
		messages = append(messages, toMessage(record))
	}
	return p.writer.WriteMessages(deadline, messages...)
}

func (p producer) Close() error {
	return p.writer.Close()
}

func newWriter(bootstrap string, cell plan.Cell) (*kafka.Writer, error) {
	if cell.Idempotent != nil && *cell.Idempotent {
		return nil, errors.New("there is no idempotent Writer")
	}
	writer := &kafka.Writer{Addr: kafka.TCP(bootstrap), AllowAutoTopicCreation: true}
	if cell.Acks != nil {
		if err := writer.RequiredAcks.UnmarshalText([]byte(*cell.Acks)); err != nil {
			return nil, err
		}
	}
	if cell.Compression != nil {
		if err := writer.Compression.UnmarshalText([]byte(*cell.Compression)); err != nil {
			return nil, err
		}
	}
	if cell.PicksPartitions() {
		writer.Balancer = kafka.BalancerFunc(func(message kafka.Message, _ ...int) int {
			return int(message.WriterData.(int32))
		})
	}
	return writer, nil
}

func toMessage(planned plan.Record) kafka.Message {
	message := kafka.Message{Topic: planned.Topic, Key: planned.Key, Value: planned.Value}
	for _, header := range planned.Headers {
		message.Headers = append(message.Headers, kafka.Header{Key: header.Name, Value: header.Value})
	}
	if planned.Partition != nil {
		message.WriterData = *planned.Partition
	}
	if planned.TimestampMs != nil {
		message.Time = time.UnixMilli(*planned.TimestampMs)
	}
	return message
}
