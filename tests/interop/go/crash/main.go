// franz-go against a server that is killed again and again. README.md, a floor up, has the format.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ksink.interop/plan"
)

type order struct {
	Bootstrap     string   `json:"bootstrap"`
	Name          string   `json:"name"`
	Topics        []string `json:"topics"`
	Partitions    int      `json:"partitions"`
	Seed          uint64   `json:"seed"`
	Plain         int      `json:"plain"`
	Transactional int      `json:"transactional"`
	RecordsMax    int      `json:"records_max"`
	AbortPercent  int      `json:"abort_percent"`
}

// How many records of a producer may be unanswered at once.
const unansweredMax = 200

var isOver atomic.Bool

func main() {
	order, err := read(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	say(map[string]any{"version": "franz-go " + plan.Version("github.com/twmb/franz-go")})
	var producers sync.WaitGroup
	for n := range order.Plain {
		producers.Go(newSender(order, fmt.Sprintf("%s_plain%d", order.Name, n), uint64(n)).runPlain)
	}
	for n := range order.Transactional {
		name := fmt.Sprintf("%s_txn%d", order.Name, n)
		producers.Go(newSender(order, name, uint64(100+n), kgo.TransactionalID(name)).runTransactional)
	}
	io.Copy(io.Discard, os.Stdin) // It ends when the harness has seen enough.
	isOver.Store(true)
	producers.Wait()
}

func read(path string) (order order, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &order)
	}
	return order, err
}

// A sender is one producer, which numbers its records from 0.
type sender struct {
	order  order
	name   string
	dice   *rand.Rand
	client *kgo.Client
	sent   int
}

func newSender(order order, name string, n uint64, more ...kgo.Opt) *sender {
	client, err := kgo.NewClient(append(settings(order), more...)...)
	if err != nil {
		log.Fatal(err)
	}
	return &sender{order: order, name: name, dice: rand.New(rand.NewPCG(order.Seed, n)), client: client}
}

// franz-go is idempotent by default. Connections are lost several times a second: the pauses before the next
// one are not to grow to seconds. Every time-out keeps its default.
func settings(order order) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(order.Bootstrap),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(2 * time.Millisecond),
		kgo.MaxBufferedRecords(unansweredMax),
		kgo.MetadataMinAge(20 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
		// A request is tried 20 times by default, which are gone in less than half a second now.
		kgo.RequestRetries(math.MaxInt32),
		// By default a server that dies while it is greeted counts as one that wants a password.
		kgo.AlwaysRetryEOF(),
		kgo.Dialer(dial),
	}
}

// Who coordinates, franz-go asks any broker, and gives up when it comes to the same one twice. Where there is no other
// one it is by chance how often it asks. So the broker is waited for here, as long as a call may take by default.
func dial(ctx context.Context, network, host string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		connection, err := new(net.Dialer).DialContext(ctx, network, host)
		if err == nil || !errors.Is(err, syscall.ECONNREFUSED) {
			return connection, err
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (s *sender) runPlain() {
	for !isOver.Load() {
		count := 1 + s.dice.IntN(20)
		s.say(map[string]any{"sent": []int{s.sent, s.sent + count - 1}})
		s.send(count, s.order.Topics, "-", s.report)
		s.pause(20)
	}
	if err := s.client.Flush(context.Background()); err != nil {
		s.fail(err)
	}
}

func (s *sender) report(n int, record *kgo.Record, err error) {
	if err != nil {
		s.fail(fmt.Errorf("record %d: %w", n, err))
		return
	}
	s.say(map[string]any{"acked": n, "topic": record.Topic, "partition": record.Partition, "offset": record.Offset})
}

func (s *sender) runTransactional() {
	for transaction := 0; !isOver.Load(); transaction++ {
		if err := s.transact(transaction); err != nil {
			s.fail(err)
			return
		}
	}
}

func (s *sender) transact(transaction int) error {
	count := int(math.Pow(float64(s.order.RecordsMax), s.dice.Float64()))
	topics := append([]string(nil), s.order.Topics...)
	s.dice.Shuffle(len(topics), func(a, b int) { topics[a], topics[b] = topics[b], topics[a] })
	topics = topics[:1+s.dice.IntN(len(topics))]
	commit := s.dice.IntN(100) >= s.order.AbortPercent
	if err := s.client.BeginTransaction(); err != nil {
		return err
	}
	s.say(map[string]any{"began": transaction})
	var failed errorBox
	for _, part := range parts(count) {
		s.send(part, topics, strconv.Itoa(transaction), failed.about)
		s.pause(10)
	}
	if err := s.client.Flush(context.Background()); err != nil {
		return err
	}
	if err := failed.first(); err != nil {
		return err
	}
	s.say(map[string]any{"ending": transaction, "count": count, "commit": commit})
	if err := s.client.EndTransaction(context.Background(), kgo.TransactionEndTry(commit)); err != nil {
		return err
	}
	s.say(map[string]any{"ended": transaction})
	return nil
}

// The records of a transaction leave in up to four parts.
func parts(count int) (parts []int) {
	part := (count + 3) / 4
	for start := 0; start < count; start += part {
		parts = append(parts, min(part, count-start))
	}
	return parts
}

func (s *sender) send(count int, topics []string, transaction string, report func(int, *kgo.Record, error)) {
	for range count {
		n := s.sent
		s.sent++
		value := fmt.Sprintf("%s %s %d ", s.name, transaction, n)
		value += strings.Repeat(".", max(0, 100-len(value)))
		record := &kgo.Record{
			Topic:     topics[s.dice.IntN(len(topics))],
			Partition: int32(s.dice.IntN(s.order.Partitions)),
			Value:     []byte(value),
		}
		s.client.Produce(context.Background(), record, func(record *kgo.Record, err error) { report(n, record, err) })
	}
}

func (s *sender) pause(msMax int) {
	time.Sleep(time.Duration(s.dice.IntN(msMax*1000)) * time.Microsecond)
}

func (s *sender) fail(err error) {
	s.say(map[string]any{"failed": err.Error()})
}

func (s *sender) say(line map[string]any) {
	line["p"], line["at"] = s.name, time.Now().UnixMicro()
	say(line)
}

// An errorBox keeps what went wrong with records of a transaction.
type errorBox struct {
	lock   sync.Mutex
	errors []error
}

func (e *errorBox) about(n int, _ *kgo.Record, err error) {
	if err != nil {
		e.lock.Lock()
		defer e.lock.Unlock()
		e.errors = append(e.errors, fmt.Errorf("record %d: %w", n, err))
	}
}

func (e *errorBox) first() error {
	e.lock.Lock()
	defer e.lock.Unlock()
	return errors.Join(e.errors...)
}

var (
	lock sync.Mutex
	out  = json.NewEncoder(os.Stdout)
)

func say(line map[string]any) {
	lock.Lock()
	defer lock.Unlock()
	out.Encode(line)
}
