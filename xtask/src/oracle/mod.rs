//! `cargo xtask oracle`: the same bytes to Apache Kafka and to ksink, and every difference in what they answer.
//!
//! Kafka runs from its published artifacts, on loopback. Both hear the same transcripts and the whole
//! malformed-input matrix. A difference that is meant stands in `differences.toml` with its reason; any other fails,
//! and so does a reason without a difference. `docs/oracle.md` tells how to read the result.

mod answer;
mod compare;
mod deliberate;
mod kafka;
mod peer;
mod player;
mod reader;
mod report;
mod transcripts;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};

use self::{
    compare::{differences, planted},
    deliberate::Deliberate,
    kafka::Kafka,
    player::{Cast, Player, Step},
    report::Report,
    transcripts::{TRANSCRIPTS, Transcript},
};
use crate::{
    interop::server::{Binary, Server},
    places,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The transcripts to play; all of them by default.
    transcripts: Vec<String>,
    /// Show the differences that are meant, too.
    #[arg(long)]
    all: bool,
    /// Play at Kafka alone, and print what it answers.
    #[arg(long, conflicts_with_all = ["all", "ksink"])]
    alone: bool,
    /// Try this ksink instead of building one.
    #[arg(long, value_name = "FILE")]
    ksink: Option<PathBuf>,
}

/// Says whether every difference is one that is meant.
pub(crate) fn run(arguments: &Args) -> Result<bool> {
    let chosen = choose(&arguments.transcripts)?;
    match arguments.alone {
        true => hear_kafka(&chosen).map(|()| true),
        false => compare(arguments, chosen),
    }
}

/// Prints what Kafka answers.
fn hear_kafka(chosen: &[&Transcript]) -> Result<()> {
    let kafka = Kafka::start(&fresh(&places::target().join("oracle/kafka"))?)?;
    let cast = Cast::kafka(kafka.addr());
    Player::new(cast, "start").await_producer_ids()?;
    for transcript in chosen {
        for Step { name, answer } in play(transcript, cast)? {
            println!("{}: {name}: {answer}", transcript.name);
        }
    }
    Ok(())
}

fn compare(arguments: &Args, chosen: Vec<&'static Transcript>) -> Result<bool> {
    let deliberate = Deliberate::read()?;
    let folder = places::target().join("oracle");
    let binary = Binary::provide(arguments.ksink.as_deref())?;
    let [kafka, ksink] = [fresh(&folder.join("kafka"))?, fresh(&folder.join("ksink"))?];
    println!("starting Apache Kafka {} and {}", kafka::VERSION, binary.version);
    let kafka = Kafka::start(&kafka)?;
    let mut ksink = Server::start(&binary, &ksink, &["--output", "null:"])?;
    let casts = [Cast::kafka(kafka.addr()), Cast::ksink(ksink.addr())];
    for cast in casts {
        Player::new(cast, "start").await_producer_ids()?;
    }
    let mut report = Report::new(&deliberate, chosen.len() == TRANSCRIPTS.len());
    for transcript in chosen {
        let [theirs, ours] = [play(transcript, casts[0])?, play(transcript, casts[1])?];
        report.add(transcript, theirs.len(), differences(&theirs, &ours));
        report.add_planted(transcript, planted(&theirs, &ours));
    }
    ksink.stop()?;
    report.show(arguments.all);
    Ok(report.is_fine())
}

fn choose(names: &[String]) -> Result<Vec<&'static Transcript>> {
    for name in names {
        let known: Vec<&str> = TRANSCRIPTS.iter().map(|transcript| transcript.name).collect();
        let is_known = known.contains(&name.as_str());
        ensure!(is_known, "there is no transcript {name}; there are {}", known.join(", "));
    }
    let is_chosen = |transcript: &&Transcript| {
        names.is_empty() || names.iter().any(|name| name == transcript.name)
    };
    Ok(TRANSCRIPTS.iter().filter(is_chosen).collect())
}

fn play(transcript: &Transcript, cast: Cast) -> Result<Vec<Step>> {
    let mut player = Player::new(cast, transcript.name);
    (transcript.play)(&mut player)?;
    Ok(player.into_steps())
}

fn fresh(folder: &Path) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(folder.to_owned())
}
