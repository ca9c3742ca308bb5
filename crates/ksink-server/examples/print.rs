//! A Kafka endpoint in your own program: prints what producers send, and accepts it.
//!
//! ```sh
//! cargo run -p ksink-server --example print
//! echo hello | kcat -P -b localhost:9092 -t greetings
//! ```
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;

use ksink_server::{Ack, Delivery, Event, RecordSet, Refusal, Server, ServerConfig, accept};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::open(ServerConfig::default())?;
    let (running, mut deliveries) = server.bind(&":9092".parse()?).await?;
    println!("listening on {}", running.local_addr());
    while let Some(first) = deliveries.next().await {
        // Whatever is ready is kept together and answered together: one flush, many producers.
        let ready = std::iter::once(first).chain(std::iter::from_fn(|| deliveries.next_ready()));
        let group: Vec<Ack> = ready.filter_map(keep).collect();
        accept(group, Vec::new());
    }
    Ok(())
}

/// Keeps a delivery, and gives its acknowledgement back; or refuses it.
fn keep(Delivery { event, ack }: Delivery) -> Option<Ack> {
    match event {
        // An earlier batch of the same producer was refused, so this one must not be kept.
        _ if ack.is_void() => ack.refuse(Refusal::local("void")),
        Event::Records(set) => {
            print(&set);
            return Some(ack);
        }
        _ => ack.refuse(Refusal::rejected("this program prints records and knows nothing else")),
    }
    None
}

fn print(set: &RecordSet) {
    for record in set.records().iter() {
        let value = String::from_utf8_lossy(record.value.unwrap_or_default());
        println!("{}/{}@{}: {value}", set.topic, set.partition, record.offset);
    }
}
