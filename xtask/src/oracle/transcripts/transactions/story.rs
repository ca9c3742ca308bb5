//! One transactional id's story, told from its producer's side.

use anyhow::Result;

use super::{
    super::coordinators::{TRANSACTION, await_coordinator},
    life::{Life, Producer, producer_id, record},
};
use crate::oracle::player::Player;

/// A story that is being played.
pub(super) struct Story<'p> {
    pub player: &'p mut Player,
    pub life: Life,
}

impl<'p> Story<'p> {
    /// Begins with a producer id and epoch 0.
    pub(super) fn begin(player: &'p mut Player, topic: &str, scene: &str) -> Result<Self> {
        Self::begin_with_timeout(player, topic, scene, 60_000)
    }

    pub(super) fn begin_with_timeout(
        player: &'p mut Player,
        topic: &str,
        scene: &str,
        timeout_ms: i32,
    ) -> Result<Self> {
        let mut life = Life::new(player, scene, topic, -1);
        life.timeout_ms = timeout_ms;
        life.init(player, "init", 4, None)?;
        Ok(Self { player, life })
    }

    pub(super) fn producer(&self) -> Producer {
        self.life.producer
    }

    /// Its producer, so many epochs later.
    pub(super) fn later(&self, epochs: i16) -> Producer {
        let Producer { id, epoch } = self.producer();
        Producer { id, epoch: epoch + epochs }
    }

    pub(super) fn init(&mut self, what: &str, known: Option<Producer>) -> Result<()> {
        self.life.init(self.player, what, 4, known)
    }

    pub(super) fn add(&mut self, what: &str, partitions: &[i32]) -> Result<()> {
        let by = self.producer();
        self.life.add(self.player, what, 3, by, partitions)
    }

    /// The next record to partition 0.
    pub(super) fn send(&mut self, what: &str, version: i16) -> Result<()> {
        let by = self.producer();
        self.life.send(self.player, what, version, by, 0)
    }

    /// A record to partition 0.
    pub(super) fn send_at(
        &mut self,
        what: &str,
        version: i16,
        by: Producer,
        sequence: i32,
    ) -> Result<()> {
        self.life.send_at(self.player, what, version, by, 0, sequence)?;
        Ok(())
    }

    /// A record that belongs to no transaction.
    pub(super) fn send_plain(
        &mut self,
        what: &str,
        version: i16,
        partition: i32,
        sequence: i32,
    ) -> Result<()> {
        let records = record(self.player.now_ms, self.producer(), sequence, false);
        let request = self.life.produce_request(partition, &records);
        self.player.ask_settled(self.life.step(what), version, request)?;
        Ok(())
    }

    /// Ends the transaction, and asks again: answered that, it is over.
    pub(super) fn end(&mut self, what: &str, version: i16, committed: bool) -> Result<()> {
        let by = self.producer();
        self.end_by(what, version, by, committed)?;
        self.end_by(&format!("{what}, again"), version, by, committed)
    }

    pub(super) fn end_by(
        &mut self,
        what: &str,
        version: i16,
        by: Producer,
        committed: bool,
    ) -> Result<()> {
        self.life.end(self.player, what, version, by, committed)
    }
}

/// What every story needs: a coordinator, a topic, and a producer id that is not of any transactional id.
pub(super) fn stage(player: &mut Player) -> Result<(String, i64)> {
    await_coordinator(player, TRANSACTION)?;
    Ok((player.topic("t")?, producer_id(player)?))
}
