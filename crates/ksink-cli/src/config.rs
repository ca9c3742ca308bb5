//! What ksink is told, from all sources: a flag counts more than the environment, and that more than a file.
//!
//! A file's settings become flags behind those that were typed, so that they are read and judged alike.

use std::{
    ffi::OsString,
    fs, iter,
    path::{Path, PathBuf},
};

use clap::{
    Arg, ArgMatches, CommandFactory, FromArgMatches, error::ErrorKind, parser::ValueSource,
};
use toml::{Table, Value};

use crate::{args::Args, exit::Exit, plan::Plan};

/// What ksink is told.
pub(crate) struct Told {
    pub(crate) args: Args,
    /// The file that some of it came from, and what it would be without.
    file: Option<(PathBuf, Args)>,
}

impl Told {
    /// Reads the command line, the environment, and the file that they name.
    pub(crate) fn read(typed: Vec<OsString>) -> Result<Self, Exit> {
        let matches = parse(&typed).map_err(explain)?;
        let args = args(&matches)?;
        let Some(path) = args.serving().and_then(|serve| serve.config.clone()) else {
            return Ok(Self { args, file: None });
        };
        let wrong = |line: String| Exit::config(format!("{}: {line}", path.display()));
        let settings = settings(&path).map_err(wrong)?;
        // By itself first, so that what is wrong with it is not blamed on the command line.
        let alone = settings.iter().map(|setting| setting.flag.clone());
        let alone: Vec<_> = iter::once("ksink".into()).chain(alone).collect();
        parse(&alone).map_err(|error| wrong(one_line(&error)))?;
        let all = self::args(&parse(&with(typed, &matches, settings)).map_err(explain)?)?;
        Ok(Self { args: all, file: Some((path, args)) })
    }

    /// What the flags of serving mean. Where that makes sense without the file only, the file is to blame.
    pub(crate) fn plan(&self) -> Result<Plan, Exit> {
        let plan = |args: &Args| Plan::try_from(args.serving().unwrap_or(&args.serve));
        plan(&self.args).map_err(|exit| match &self.file {
            Some((path, without)) if plan(without).is_ok() => {
                Exit::config(format!("{}: {exit}", path.display()))
            }
            Some(_) | None => exit,
        })
    }
}

/// One line of a file.
struct Setting {
    name: String,
    /// `--name=value`.
    flag: OsString,
}

fn settings(path: &Path) -> Result<Vec<Setting>, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let table = text.parse::<Table>().map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.get(..start).unwrap_or(&text).split('\n').count();
        format!("line {line}: {}", error.message().replace('\n', ", "))
    })?;
    table.into_iter().map(|(name, value)| setting(name, &value)).collect()
}

fn setting(name: String, value: &Value) -> Result<Setting, String> {
    let command = Args::command();
    let known = command.get_arguments().find(|arg| arg.get_long() == Some(&name));
    if name == "config" {
        return Err("one file cannot name another one".to_owned());
    }
    let text = match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(on) if known.is_none_or(is_switch) => Some(on.to_string()),
        Value::Array(values) if known.is_none_or(is_list) => list(values),
        Value::Array(_) | Value::Boolean(_) => None,
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    };
    let text = text.ok_or_else(|| format!("`{name}` cannot be {}", value.type_str()))?;
    let flag = format!("--{name}={text}").into();
    Ok(Setting { name, flag })
}

fn is_switch(arg: &Arg) -> bool {
    arg.get_num_args().is_some_and(|count| count.min_values() == 0)
}

fn is_list(arg: &Arg) -> bool {
    arg.get_value_delimiter().is_some()
}

fn list(values: &[Value]) -> Option<String> {
    let texts: Option<Vec<_>> = values.iter().map(Value::as_str).collect();
    Some(texts?.join(","))
}

/// What was typed, and the settings that were neither typed nor in the environment.
fn with(typed: Vec<OsString>, matches: &ArgMatches, settings: Vec<Setting>) -> Vec<OsString> {
    let serving = matches.subcommand().map_or(matches, |(_, matches)| matches);
    let is_open = |setting: &Setting| {
        let id = setting.name.replace('-', "_");
        let source = serving.try_contains_id(&id).ok().and_then(|_| serving.value_source(&id));
        !matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let open = settings.into_iter().filter(is_open).map(|setting| setting.flag);
    typed.into_iter().chain(open).collect()
}

fn parse(typed: &[OsString]) -> Result<ArgMatches, clap::Error> {
    Args::command().try_get_matches_from(typed)
}

fn args(matches: &ArgMatches) -> Result<Args, Exit> {
    Args::from_arg_matches(matches).map_err(explain)
}

/// Help and version go where they are asked for; what is wrong is said in one line.
fn explain(error: clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.exit(),
        _ => Exit::usage(one_line(&error)),
    }
}

/// What clap says in paragraphs: what is wrong, and what may have been meant.
fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let wrong = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let meant = text.lines().filter_map(|line| line.trim().strip_prefix("tip: "));
    let line = wrong.collect::<Vec<_>>().join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    meant.take(1).fold(line.to_owned(), |line, tip| format!("{line}; {tip}"))
}
