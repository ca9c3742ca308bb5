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
	plan.Run("kafka-go", "github.com/segmentio/kafka-go", send)
}

func send(bootstrap string, cell plan.Cell) error {
	writer, err := newWriter(bootstrap, cell)
	if err != nil {
		return err
	}
	deadline, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	var messages []kafka.Message
	for _, record := range cell.Records {
		messages = append(messages, toMessage(record))
	}
	return errors.Join(writer.WriteMessages(deadline, messages...), writer.Close())
}

func newWriter(bootstrap string, cell plan.Cell) (*kafka.Writer, error) {
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
