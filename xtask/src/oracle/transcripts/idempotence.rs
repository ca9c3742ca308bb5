//! The life of an idempotent producer: what it continues, repeats, leaves out and takes over.

use anyhow::Result;
use ksink_malformed::{Batch, produce};
use ksink_wire::{Response, messages::init_producer_id::InitProducerIdRequest};

use crate::oracle::player::Player;

pub(crate) fn play(player: &mut Player) -> Result<()> {
    let mut story = Story::begin(player)?;
    story.window()?;
    story.epochs()?;
    story.wrap()?;
    story.others()
}

struct Story<'p> {
    player: &'p mut Player,
    topic: String,
    producer_id: i64,
}

impl<'p> Story<'p> {
    fn begin(player: &'p mut Player) -> Result<Self> {
        let topic = player.topic("t")?;
        let producer_id = producer_id(player)?;
        Ok(Self { player, topic, producer_id })
    }

    /// Sends two records to a partition.
    fn send(&mut self, step: &str, partition: i32, epoch: i16, sequence: i32) -> Result<()> {
        self.send_count(step, partition, epoch, sequence, 2)
    }

    fn send_count(
        &mut self,
        step: &str,
        partition: i32,
        epoch: i16,
        sequence: i32,
        count: usize,
    ) -> Result<()> {
        let timestamps = vec![self.player.now_ms; count];
        let producer = (self.producer_id, epoch, sequence);
        let records = Batch { producer, ..Batch::at(&timestamps) }.bytes();
        let request = produce(&self.topic, -1, [(partition, Some(&records[..]))]);
        self.player.ask(step, 9, request)?;
        Ok(())
    }

    fn window(&mut self) -> Result<()> {
        self.send("the first", 0, 0, 0)?;
        self.send("the first, once more", 0, 0, 0)?;
        for sequence in [2, 4, 6, 8, 10] {
            self.send(&format!("sequence {sequence}"), 0, 0, sequence)?;
        }
        for sequence in [10, 6, 2] {
            self.send(&format!("sequence {sequence}, once more"), 0, 0, sequence)?;
        }
        self.send("older than the last five", 0, 0, 0)?;
        self.send("a gap", 0, 0, 20)?;
        self.send("half old, half new", 0, 0, 11)?;
        self.send_count("half of an old one", 0, 0, 10, 1)?;
        self.send_count("an old one and more", 0, 0, 10, 3)?;
        self.send("the next after all that", 0, 0, 12)
    }

    fn epochs(&mut self) -> Result<()> {
        self.send("a higher epoch that does not begin at 0", 0, 1, 14)?;
        self.send("a higher epoch", 0, 1, 0)?;
        self.send("the epoch before", 0, 0, 14)?;
        self.send("a batch of the epoch before, once more", 0, 0, 12)?;
        self.send("the next of the higher epoch", 0, 1, 2)?;
        self.send("an epoch higher by ten", 0, 11, 0)?;
        self.send("the epoch in between", 0, 5, 0)
    }

    fn wrap(&mut self) -> Result<()> {
        self.send("a first batch at any sequence", 1, 0, i32::MAX - 1)?;
        self.send("a gap after the highest sequence", 1, 0, 1)?;
        self.send("0 after the highest sequence", 1, 0, 0)?;
        self.send("a first batch across the highest sequence", 2, 0, i32::MAX)?;
        self.send("0 where 1 is next", 2, 0, 0)?;
        self.send("1 after a batch across the highest sequence", 2, 0, 1)?;
        self.send("a batch across the highest sequence, once more", 2, 0, i32::MAX)
    }

    fn others(&mut self) -> Result<()> {
        self.send("the partitions count by themselves", 3, 0, 0)?;
        self.producer_id = producer_id(self.player)?;
        self.send("producers count by themselves", 3, 0, 0)?;
        self.send("a first batch with an epoch and a sequence", 0, 3, 7)?;
        self.send("and the next", 0, 3, 9)?;
        self.producer_id = i64::MAX;
        self.send("a producer id that nobody gave out", 0, 0, 0)
    }
}

fn producer_id(player: &mut Player) -> Result<i64> {
    let request = InitProducerIdRequest { transaction_timeout_ms: 60_000, ..Default::default() };
    player.ask("a producer id", 4, request)?.read(|response| match response {
        Response::InitProducerId(response) => Some(response.producer_id),
        _ => None,
    })
}
