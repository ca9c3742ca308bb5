package main

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ksink.interop/plan"
)

type transactional struct {
	producer
}

func openTransactional(bootstrap string, cell plan.Cell, id string, timeout *time.Duration) (plan.TransactionalProducer, error) {
	options, err := settings(bootstrap, cell)
	if err != nil {
		return nil, err
	}
	options = append(options, kgo.TransactionalID(id))
	if timeout != nil {
		options = append(options, kgo.TransactionTimeout(*timeout))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	deadline, cancel := patience()
	defer cancel()
	// By itself it would ask for its id when it first sends.
	_, _, err = client.ProducerID(deadline)
	return transactional{producer{client}}, err
}

func (t transactional) Begin() error {
	return t.client.BeginTransaction()
}

func (t transactional) Commit() error {
	return t.end(kgo.TryCommit)
}

func (t transactional) Abort() error {
	return t.end(kgo.TryAbort)
}

func (t transactional) end(how kgo.TransactionEndTry) error {
	deadline, cancel := patience()
	defer cancel()
	return t.client.EndTransaction(deadline, how)
}
