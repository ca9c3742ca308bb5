//! The binary as its users meet it: what they type, what they read, and how it ends.

mod config;
mod ending;
mod http;
mod listening;
mod logs;
mod outputs;
mod process;
mod producer;
mod recover;
mod settings;
mod state;
mod transactions;
mod usage;
