//! What a client's administrator does besides sending records: it creates a topic, describes it, gives it
//! more partitions and deletes it, and tells what it saw.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

/// How long the id of a cluster is: 16 bytes, as base64url without padding.
const CLUSTER_LENGTH: usize = 22;

/// What an administrator has to do. `tests/interop/README.md` says it step by step.
#[derive(Clone, Serialize)]
pub(crate) struct Admin {
    pub topic: &'static str,
    pub partitions: i32,
    pub more_partitions: i32,
    pub retention_ms: &'static str,
}

/// What an administrator saw, by its name in the table of `tests/interop/README.md`.
pub(crate) type Seen = BTreeMap<String, Value>;

impl Admin {
    /// Where the client differs from what it has to see, in sentences.
    pub(crate) fn check(&self, seen: &Seen) -> Vec<String> {
        let expected = self.expected();
        let fits = |name: &str, value: &Value| match seen.get(name) {
            Some(seen) if name == "cluster" => is_cluster(seen),
            seen => seen == Some(value),
        };
        let missing = expected.iter().filter(|(name, value)| !fits(name, value));
        let strange = seen.keys().filter(|name| !expected.contains_key(*name));
        missing
            .map(|(name, value)| match seen.get(name) {
                Some(other) => format!("saw {name} = {other}, and not the likes of {value}"),
                None => format!("did not see {name}"),
            })
            .chain(strange.map(|name| format!("saw {name}, which nobody asked for")))
            .collect()
    }

    /// The id of the cluster may be any. Codes are those of the table of error codes in Kafka's protocol guide.
    pub(crate) fn expected(&self) -> Seen {
        let expected = json!({
            "cluster": "A".repeat(CLUSTER_LENGTH),
            "created_again": 36,
            "deleted_again": 3,
            "fewer_partitions": 37,
            "listed": true,
            "listed_after_deletion": false,
            "more_partitions": self.more_partitions,
            "partitions": self.partitions,
            "retention_ms": self.retention_ms,
            "two_replicas": 38,
        });
        serde_json::from_value(expected).expect("this is an object")
    }
}

fn is_cluster(id: &Value) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    id.as_str().is_some_and(|id| id.len() == CLUSTER_LENGTH && id.bytes().all(legal))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADMIN: Admin = Admin { topic: "t", partitions: 3, more_partitions: 5, retention_ms: "7" };

    #[test]
    fn whoever_saw_what_there_is_to_see_is_believed() {
        assert_eq!(ADMIN.check(&ADMIN.expected()), Vec::<String>::new());
    }

    #[test]
    fn any_id_of_a_cluster_will_do() {
        let mut seen = ADMIN.expected();
        seen.insert("cluster".to_owned(), json!("ksink-without-state-00"));
        assert_eq!(ADMIN.check(&seen), Vec::<String>::new());
        seen.insert("cluster".to_owned(), json!("ksink"));
        assert_eq!(ADMIN.check(&seen).len(), 1);
    }

    #[test]
    fn each_thing_must_have_been_seen_and_nothing_else() {
        for name in ADMIN.expected().keys() {
            let mut seen = ADMIN.expected();
            seen.remove(name);
            assert_eq!(ADMIN.check(&seen), [format!("did not see {name}")]);
            seen.insert(name.clone(), Value::Null);
            assert_eq!(ADMIN.check(&seen).len(), 1, "{name}");
        }
        let mut seen = ADMIN.expected();
        seen.insert("more".to_owned(), Value::Null);
        assert_eq!(ADMIN.check(&seen).len(), 1);
    }
}
