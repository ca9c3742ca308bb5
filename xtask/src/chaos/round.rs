//! One round: a client, a rate of cuts, a server.

use std::{
    collections::HashSet,
    fmt, fs,
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use ksink_proxy::{Counts, Proxy, Rates, Schedule, Tally};
use tokio::runtime::{self, Runtime};

use super::{
    clients::{self, Client, Plan, Said},
    oracle::{Kept, Verdict, judge},
    servers::{Kind, Servers},
};
use crate::{
    interop::{landed::read_output, rows::PARTITIONS},
    places,
};

/// How long clients wait for an answer. The slow server's stall is longer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// How long clients try before they give a record up, which none should need to.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(240);

/// How long a client may take for everything.
const CLIENT_LIMIT: Duration = Duration::from_secs(300);

const BATCH_RECORDS: u32 = 20;

pub(crate) struct Round {
    pub client: &'static Client,
    pub cut_percent: u32,
    pub kind: Kind,
    pub count: u32,
}

/// What was seen in a round.
pub(crate) struct Outcome {
    pub said: Said,
    pub verdict: Verdict,
    pub counts: Counts,
    pub took: Duration,
}

impl Outcome {
    /// How many different records the client reported as delivered.
    pub(crate) fn delivered(&self) -> usize {
        self.said.acknowledged.iter().map(|record| record.n).collect::<HashSet<u32>>().len()
    }
}

impl Round {
    pub(crate) fn play(
        &self,
        command: &mut Command,
        servers: &Servers,
        seed: u64,
    ) -> Result<Outcome> {
        let start = Instant::now();
        let folder = self.fresh_folder()?;
        let proxy = Network::bind(seed, self.rates())?;
        let mut server = servers.start(self.kind, &folder, &proxy.addr.to_string())?;
        let (bootstrap, tally) = (proxy.addr.to_string(), proxy.tally.clone());
        proxy.lead_to(server.addr());
        let plan = Plan {
            bootstrap,
            topic: "numbers",
            partitions: PARTITIONS,
            count: self.count,
            batch_records: BATCH_RECORDS,
            request_timeout_ms: REQUEST_TIMEOUT.as_millis() as u64,
            delivery_timeout_ms: DELIVERY_TIMEOUT.as_millis() as u64,
        };
        let said = clients::run(command, &plan, &folder, CLIENT_LIMIT)?;
        server.stop()?;
        let output = read_output(&folder.join("out"))?;
        let lines = output.values().flatten();
        let kept = lines.map(|line| Kept::parse(line)).collect::<Result<Vec<Kept>>>()?;
        let verdict = judge(&said.acknowledged, &kept, |n| plan.partition(n));
        Ok(Outcome { said, verdict, counts: tally.counts(), took: start.elapsed() })
    }

    /// What is wrong with an outcome, in sentences.
    pub(crate) fn complaints(&self, outcome: &Outcome) -> Vec<String> {
        let Verdict { lost, duplicated, reordered, misplaced } = outcome.verdict;
        let mut complaints = Vec::new();
        let mut complain = |is_wrong: bool, what: String| {
            if is_wrong {
                complaints.push(what);
            }
        };
        let cuts = outcome.counts.cuts();
        complain(
            cuts < self.cuts_min(),
            format!("only {cuts} cuts, where {} were due", self.cuts_min()),
        );
        if self.kind == Kind::Forgetful {
            complain(duplicated == 0, "a server that forgets was not found out".to_owned());
            return complaints;
        }
        let given_up = outcome.counts.given_up;
        complain(
            self.kind == Kind::Slow && given_up == 0,
            "no client lost its patience, although the output stalled".to_owned(),
        );
        let missing = self.count as usize - outcome.delivered();
        let reason = outcome.said.failed.first().map(|(n, why)| format!(", {n}: {why}"));
        complain(missing > 0, format!("{missing} not delivered{}", reason.unwrap_or_default()));
        complain(lost > 0, format!("{lost} lost"));
        complain(duplicated > 0, format!("{duplicated} duplicated"));
        complain(reordered > 0, format!("{reordered} reordered"));
        complain(misplaced > 0, format!("{misplaced} at another offset than was said"));
        let mixed_up = outcome.counts.misplaced_replies;
        complain(mixed_up > 0, format!("{mixed_up} replies out of order"));
        complaints
    }

    /// With retries there are more requests than planned, and the schedule keeps its rates: four fifths leave
    /// room for clients that put more into a request.
    fn cuts_min(&self) -> u64 {
        let requests = self.count.div_ceil(BATCH_RECORDS);
        u64::from(requests * self.cut_percent * 4 / 500)
    }

    fn rates(&self) -> Rates {
        Rates {
            cuts_permille: self.cut_percent * 10,
            duplicates_permille: 50,
            delays_permille: 20,
            delay: Duration::from_millis(300),
            black_holes_permille: 4,
        }
    }

    fn fresh_folder(&self) -> Result<PathBuf> {
        let name = format!("{}-{}-{}", self.client.name, self.kind, self.cut_percent);
        let folder = places::target().join("chaos/runs").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(folder.join("out"))?;
        Ok(folder)
    }
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} % cut, {}", self.client.name, self.cut_percent, self.kind)
    }
}

/// The proxy, before it leads anywhere.
struct Network {
    runtime: Runtime,
    proxy: Proxy,
    addr: SocketAddr,
    tally: Tally,
}

impl Network {
    fn bind(seed: u64, rates: Rates) -> Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let proxy = runtime.block_on(Proxy::bind(Schedule::seeded(seed, rates)))?;
        let (addr, tally) = (proxy.addr()?, proxy.tally());
        ensure!(addr.ip().is_loopback(), "{addr} is not on loopback");
        Ok(Self { runtime, proxy, addr, tally })
    }

    /// Until this program ends; by then its few clients have.
    fn lead_to(self, server: SocketAddr) {
        thread::spawn(move || self.runtime.block_on(self.proxy.run(server)));
    }
}
