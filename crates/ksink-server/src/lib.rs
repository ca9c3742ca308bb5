//! A Kafka endpoint without the cluster.
