//! The file protocol in a simulation: producers, a server that remembers, a disk that loses power and fails on demand,
//! and strangers who change files between runs.
//!
//! | room | holds |
//! |---|---|
//! | `server` | what a server does with a sink's answers, and what it remembers |
//! | `planted` | a disk, and a server, that do one thing wrong |
//! | `world` | producers, sink, server and disk; what must be in the files |
//! | `simulation` | lives by chance, told from a seed |
//! | `sweep` | one life, in which the n-th call fails, for every n |

mod dice;
mod planted;
mod server;
mod simulation;
mod sweep;
mod world;
