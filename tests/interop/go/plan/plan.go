// Package plan is what the harness asks of a client, and how the client answers.
// README.md, a floor up, has the format.
package plan

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
)

// A Cell is the records to send with one configuration of the client. Acks and Compression are nil
// where the client's own default is meant.
type Cell struct {
	Name        string   `json:"name"`
	Acks        *string  `json:"acks"`
	Compression *string  `json:"compression"`
	Records     []Record `json:"records"`
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

// Run sends every cell of the plan named on the command line, and answers for each. The client is
// the one that the module at that path holds.
func Run(client, module string, send func(bootstrap string, cell Cell) error) {
	out := json.NewEncoder(os.Stdout)
	out.Encode(map[string]string{"version": client + " " + Version(module)})
	bootstrap, cells, err := read(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, cell := range cells {
		answer := map[string]string{"cell": cell.Name, "result": "ok", "detail": ""}
		if err := send(bootstrap, cell); err != nil {
			answer["result"], answer["detail"] = "error", err.Error()
		}
		out.Encode(answer)
	}
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
