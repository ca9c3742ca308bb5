package main

import (
	"time"

	"github.com/IBM/sarama"

	"ksink.interop/plan"
)

type transactional struct {
	producer
}

func openTransactional(bootstrap string, cell plan.Cell, id string, timeout *time.Duration) (plan.TransactionalProducer, error) {
	config, err := settings(cell)
	if err != nil {
		return nil, err
	}
	// A transactional producer has to be idempotent.
	makeIdempotent(config)
	config.Producer.Transaction.ID = id
	if timeout != nil {
		config.Producer.Transaction.Timeout = *timeout
	}
	sync, err := sarama.NewSyncProducer([]string{bootstrap}, config)
	return transactional{producer{sync}}, err
}

func (t transactional) Begin() error {
	return t.producer.producer.BeginTxn()
}

func (t transactional) Commit() error {
	return t.producer.producer.CommitTxn()
}

func (t transactional) Abort() error {
	return t.producer.producer.AbortTxn()
}
