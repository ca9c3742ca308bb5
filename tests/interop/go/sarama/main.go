// Sarama: one SyncProducer a cell, its defaults otherwise. Run with the path of a plan.
package main

import (
	"fmt"
	"time"

	"github.com/IBM/sarama"

	"ksink.interop/plan"
)

func main() {
	client := plan.Client{Open: open, OpenTransactional: openTransactional, Administrate: administrate}
	plan.Run("sarama", "github.com/IBM/sarama", client)
}

type producer struct {
	producer sarama.SyncProducer
}

func open(bootstrap string, cell plan.Cell) (plan.Producer, error) {
	config, err := settings(cell)
	if err != nil {
		return nil, err
	}
	sync, err := sarama.NewSyncProducer([]string{bootstrap}, config)
	return producer{sync}, err
}

func (p producer) Send(records []plan.Record) error {
	var messages []*sarama.ProducerMessage
	for _, record := range records {
		messages = append(messages, toMessage(record))
	}
	err := p.producer.SendMessages(messages)
	if failures, several := err.(sarama.ProducerErrors); several && len(failures) > 0 {
		return fmt.Errorf("%d refused, the first: %w", len(failures), failures[0].Err)
	}
	return err
}

func (p producer) Close() error {
	return p.producer.Close()
}

func settings(cell plan.Cell) (*sarama.Config, error) {
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true // A SyncProducer demands it.
	if cell.Acks != nil {
		chosen, known := acks[*cell.Acks]
		if !known {
			return nil, fmt.Errorf("unknown acks %q", *cell.Acks)
		}
		config.Producer.RequiredAcks = chosen
	}
	if cell.Compression != nil {
		if err := config.Producer.Compression.UnmarshalText([]byte(*cell.Compression)); err != nil {
			return nil, err
		}
	}
	if cell.Idempotent != nil && *cell.Idempotent {
		makeIdempotent(config)
	}
	if cell.PicksPartitions() {
		config.Producer.Partitioner = sarama.NewManualPartitioner
	}
	return config, nil
}

// Sarama refuses an idempotent producer without the other two.
func makeIdempotent(config *sarama.Config) {
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Net.MaxOpenRequests = 1
}

var acks = map[string]sarama.RequiredAcks{
	"0":   sarama.NoResponse,
	"1":   sarama.WaitForLocal,
	"all": sarama.WaitForAll,
}

func toMessage(planned plan.Record) *sarama.ProducerMessage {
	message := &sarama.ProducerMessage{Topic: planned.Topic}
	// Null is the absence of an encoder, not an encoder of nothing.
	if planned.Key != nil {
		message.Key = sarama.ByteEncoder(planned.Key)
	}
	if planned.Value != nil {
		message.Value = sarama.ByteEncoder(planned.Value)
	}
	for _, header := range planned.Headers {
		message.Headers = append(message.Headers, sarama.RecordHeader{Key: []byte(header.Name), Value: header.Value})
	}
	if planned.Partition != nil {
		message.Partition = *planned.Partition
	}
	if planned.TimestampMs != nil {
		message.Timestamp = time.UnixMilli(*planned.TimestampMs)
	}
	return message
}
