// Package plan is what the harness asks of a client, and how the client answers.
// README.md, a floor up, has the format.
package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
)

// A Cell is the records to send with one configuration of the client. Acks, Compression and Idempotent
// are nil where the client's own default is meant.
type Cell struct {
	Name        string   `json:"name"`
	Acks        *string  `json:"acks"`
	Compression *string  `json:"compression"`
	Idempotent  *bool    `json:"idempotent"`
	OneByOne    bool     `json:"one_by_one"`
	Records     []Record `json:"records"`
	Admin       *Admin   `json:"admin"`
	Script      []Step   `json:"script"`
}

// A Record as planned. Bytes come as base64, which encoding/json reads by itself: null as nil, "" as
// empty. Without a partition the client's own partitioner decides, without a timestamp its own clock.
type Record struct {
	Topic       string   `json:"topic"`
	Partition   *int32   `json:"partition"`
	Key         []byte   `json:"key"`
	Value       []byte   `json:"value"`
	Headers     []Header `json:"headers"`
	TimestampMs *int64   `json:"timestamp_ms"`
}

// A Header is a pair in the plan.
type Header struct {
	Name  string
	Value []byte
}

func (h *Header) UnmarshalJSON(pair []byte) error {
	return json.Unmarshal(pair, &[]any{&h.Name, &h.Value})
}

// PicksPartitions says whether the plan, not the client, places the records.
func (c Cell) PicksPartitions() bool {
	return len(c.Records) > 0 && c.Records[0].Partition != nil
}

// A Producer of the client, for one cell.
type Producer interface {
	// Send returns once all records have been delivered; anything else is an error.
	Send(records []Record) error
	Close() error
}

// An Answer is what became of a cell; Refused has the records that were not delivered, by their place, and Failed the
// steps of the script that were not taken.
type Answer struct {
	Cell    string         `json:"cell"`
	Result  string         `json:"result"`
	Detail  string         `json:"detail"`
	Refused map[int]string `json:"refused"`
	Seen    Seen           `json:"seen,omitempty"`
	Failed  map[int]string `json:"failed,omitempty"`
}

// A Client has an opener for each kind of cell; nil for what it cannot do.
type Client struct {
	Open              func(bootstrap string, cell Cell) (Producer, error)
	OpenTransactional OpenTransactional
	Administrate      func(bootstrap string) (Administrator, error)
}

// Run sends every cell of the plan named on the command line, and answers for each. The client is
// the one that the module at that path holds.
func Run(name, module string, client Client) {
	out := json.NewEncoder(os.Stdout)
	out.Encode(map[string]string{"version": name + " " + Version(module)})
	bootstrap, cells, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, cell := range cells {
		answer := Answer{Cell: cell.Name, Result: "ok", Refused: map[int]string{}}
		switch {
		case cell.Script != nil:
			answer.Failed, err = follow(bootstrap, cell, client.OpenTransactional)
		case cell.Admin != nil:
			answer.Seen, err = cell.Admin.do(bootstrap, client.Administrate)
		default:
			err = send(bootstrap, cell, client.Open, answer.Refused)
		}
		if err != nil {
			answer.Result, answer.Detail = "error", err.Error()
		}
		out.Encode(answer)
	}
}

func send(bootstrap string, cell Cell, open func(string, Cell) (Producer, error), refused map[int]string) error {
	producer, err := open(bootstrap, cell)
	if err != nil {
		return err
	}
	if !cell.OneByOne {
		return errors.Join(producer.Send(cell.Records), producer.Close())
	}
	for place, record := range cell.Records {
		if err := producer.Send([]Record{record}); err != nil {
			refused[place] = err.Error()
		}
	}
	return producer.Close()
}

func read(path string) (bootstrap string, cells []Cell, err error) {
	var plan struct {
		Bootstrap string `json:"bootstrap"`
		Cells     []Cell `json:"cells"`
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &plan)
	}
	return plan.Bootstrap, plan.Cells, err
}

// Version says which version of a module this program was built with.
func Version(module string) string {
	build, _ := debug.ReadBuildInfo()
	for _, dependency := range build.Deps {
		if dependency.Path == module {
			return dependency.Version
		}
	}
	return "of unknown version"
}
