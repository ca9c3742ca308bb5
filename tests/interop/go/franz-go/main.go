// franz-go: one client a cell, its defaults otherwise. Run with the path of a plan, and with "3.9" after it for a
// client that speaks as if there were no newer Kafka.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"ksink.interop/plan"
)

func main() {
	name := "franz-go"
	if speaks39() {
		name = "franz-go as of Kafka 3.9,"
	}
	client := plan.Client{Open: open, OpenTransactional: openTransactional, Administrate: administrate}
	plan.Run(name, "github.com/twmb/franz-go", client)
}

type producer struct {
	client *kgo.Client
}

func open(bootstrap string, cell plan.Cell) (plan.Producer, error) {
	options, err := settings(bootstrap, cell)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(options...)
	return producer{client}, err
}

func (p producer) Send(planned []plan.Record) error {
	deadline, cancel := patience()
	defer cancel()
	var records []*kgo.Record
	for _, record := range planned {
		records = append(records, toRecord(record))
	}
	return p.client.ProduceSync(deadline, records...).FirstErr()
}

func patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), 15*time.Second)
}

func (p producer) Close() error {
	p.client.Close()
	return nil
}

func settings(bootstrap string, cell plan.Cell) ([]kgo.Opt, error) {
	options := []kgo.Opt{kgo.SeedBrokers(bootstrap)}
	if speaks39() {
		options = append(options, kgo.MaxVersions(kversion.V3_9_0()))
	}
	if cell.Acks != nil {
		chosen, known := acks[*cell.Acks]
		if !known {
			return nil, fmt.Errorf("unknown acks %q", *cell.Acks)
		}
		options = append(options, chosen...)
	}
	if cell.Compression != nil {
		codec, known := codecs[*cell.Compression]
		if !known {
			return nil, fmt.Errorf("unknown compression %q", *cell.Compression)
		}
		options = append(options, kgo.ProducerBatchCompression(codec))
	}
	if cell.Idempotent != nil && !*cell.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	if cell.PicksPartitions() {
		options = append(options, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	}
	return options, nil
}

func speaks39() bool {
	return len(os.Args) > 2 && os.Args[2] == "3.9"
}

// franz-go is idempotent unless told otherwise, and that needs every acknowledgement.
var acks = map[string][]kgo.Opt{
	"0":   {kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite()},
	"1":   {kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite()},
	"all": {kgo.RequiredAcks(kgo.AllISRAcks())},
}

var codecs = map[string]kgo.CompressionCodec{
	"none":   kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func toRecord(planned plan.Record) *kgo.Record {
	record := &kgo.Record{Topic: planned.Topic, Key: planned.Key, Value: planned.Value}
	for _, header := range planned.Headers {
		record.Headers = append(record.Headers, kgo.RecordHeader{Key: header.Name, Value: header.Value})
	}
	if planned.Partition != nil {
		record.Partition = *planned.Partition
	}
	if planned.TimestampMs != nil {
		record.Timestamp = time.UnixMilli(*planned.TimestampMs)
	}
	return record
}
