package plan

import (
	"fmt"
	"time"
)

// A Step of a script; README.md has them all.
type Step struct {
	Step      string `json:"step"`
	Producer  string `json:"producer"`
	ID        string `json:"id"`
	TimeoutMs *int   `json:"timeout_ms"`
	From      int    `json:"from"`
	To        int    `json:"to"`
	Ms        int    `json:"ms"`
}

// A TransactionalProducer of the client. It tries nothing again that the client does not try by itself.
type TransactionalProducer interface {
	Begin() error
	// Send returns once all records have been delivered; anything else is an error.
	Send(records []Record) error
	Commit() error
	Abort() error
	Close() error
}

// An OpenTransactional gives a producer with a transactional id, which ends the time of every other one with the
// same id. A timeout of nil is the default.
type OpenTransactional func(bootstrap string, cell Cell, id string, timeout *time.Duration) (TransactionalProducer, error)

// follow takes every step of the script, also after one that failed, and gives the failures by the step's place.
func follow(bootstrap string, cell Cell, open OpenTransactional) (map[int]string, error) {
	if open == nil {
		return nil, fmt.Errorf("there are no transactions")
	}
	producers, failed := map[string]TransactionalProducer{}, map[int]string{}
	for place, step := range cell.Script {
		if err := step.take(bootstrap, cell, open, producers); err != nil {
			failed[place] = err.Error()
		}
	}
	for _, producer := range producers {
		producer.Close() // One that was fenced cannot say goodbye.
	}
	return failed, nil
}

func (s Step) take(bootstrap string, cell Cell, open OpenTransactional, producers map[string]TransactionalProducer) (err error) {
	switch s.Step {
	case "open":
		var producer TransactionalProducer
		if producer, err = open(bootstrap, cell, s.ID, s.timeout()); err == nil {
			producers[s.Producer] = producer
		}
		return err
	case "wait":
		time.Sleep(time.Duration(s.Ms) * time.Millisecond)
		return nil
	}
	producer, known := producers[s.Producer]
	if !known {
		return fmt.Errorf("the producer %s is not open", s.Producer)
	}
	switch s.Step {
	case "begin":
		return producer.Begin()
	case "send":
		return producer.Send(cell.Records[s.From:s.To])
	case "commit":
		return producer.Commit()
	case "abort":
		return producer.Abort()
	default:
		return fmt.Errorf("there is no such step: %s", s.Step)
	}
}

func (s Step) timeout() *time.Duration {
	if s.TimeoutMs == nil {
		return nil
	}
	timeout := time.Duration(*s.TimeoutMs) * time.Millisecond
	return &timeout
}
