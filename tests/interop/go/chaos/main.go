// franz-go through a network that loses replies. README.md, a floor up, has the format.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ksink.interop/plan"
)

type order struct {
	Bootstrap         string `json:"bootstrap"`
	Topic             string `json:"topic"`
	Partitions        int    `json:"partitions"`
	Count             int    `json:"count"`
	BatchRecords      int    `json:"batch_records"`
	RequestTimeoutMs  int    `json:"request_timeout_ms"`
	DeliveryTimeoutMs int    `json:"delivery_timeout_ms"`
}

// What 20 records of 100 bytes take, and not 21; and a request with one such batch, and not two.
const (
	batchBytes   = 61 + 20*112
	requestBytes = batchBytes * 3 / 2
)

func main() {
	order, err := read(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	client, err := kgo.NewClient(settings(order)...)
	if err != nil {
		log.Fatal(err)
	}
	reports := reports{out: json.NewEncoder(os.Stdout)}
	reports.say(map[string]any{"version": "franz-go " + plan.Version("github.com/twmb/franz-go")})
	for n := range order.Count {
		partition := n / order.BatchRecords % order.Partitions
		record := &kgo.Record{Topic: order.Topic, Partition: int32(partition), Value: fmt.Appendf(nil, "%0100d", n)}
		client.Produce(context.Background(), record, reports.about(n))
	}
	if err := client.Flush(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func read(path string) (order order, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &order)
	}
	return order, err
}

// franz-go is idempotent by default.
func settings(order order) []kgo.Opt {
	// A request may take both of these together.
	half := time.Duration(order.RequestTimeoutMs) * time.Millisecond / 2
	return []kgo.Opt{
		kgo.SeedBrokers(order.Bootstrap),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerBatchMaxBytes(batchBytes),
		kgo.BrokerMaxWriteBytes(requestBytes),
		kgo.ProducerLinger(5 * time.Millisecond),
		kgo.ProduceRequestTimeout(half),
		kgo.RequestTimeoutOverhead(half),
		kgo.RecordDeliveryTimeout(time.Duration(order.DeliveryTimeoutMs) * time.Millisecond),
		// A failed request is tried again after the next look at the metadata, by default 5 s later.
		kgo.MetadataMinAge(50 * time.Millisecond),
	}
}

type reports struct {
	lock sync.Mutex
	out  *json.Encoder
}

func (r *reports) about(n int) func(*kgo.Record, error) {
	return func(record *kgo.Record, err error) {
		if err != nil {
			r.say(map[string]any{"n": n, "error": err.Error()})
		} else {
			r.say(map[string]any{"n": n, "offset": record.Offset})
		}
	}
}

func (r *reports) say(line map[string]any) {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.out.Encode(line)
}
