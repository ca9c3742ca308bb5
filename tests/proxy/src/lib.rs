//! A proxy that knows Kafka's frames, and breaks connections where it hurts.
//!
//! It stands between producers and a server that advertises the proxy's address. Every frame passes
//! whole and in order, until a [`Fault`] says otherwise: a reply is lost after the server has done the
//! work, or is cut in half, or a request comes twice. Only Produce requests meet faults; what leads up to
//! them passes untouched. Which request meets which fault is a [`Schedule`], written down or drawn from a seed.
//! [`Counts`] says what really happened.
//!
//! | room | holds |
//! |---|---|
//! | `proxy` | [`Proxy`]: the listener |
//! | `relay` | one client's connection, and the one to the server that belongs to it |
//! | `conversation` | which requests wait for which replies |
//! | `frame` | reading a frame, and what its header says |
//! | `schedule` | [`Schedule`], [`Rates`]: which fault comes next |
//! | `fault`, `counts` | [`Fault`], [`Ending`], [`Counts`] |
//!
//! It does not speak TLS, nor the bare tokens that follow version 0 of SaslHandshake.

#![warn(missing_docs)]

mod conversation;
mod counts;
mod fault;
mod frame;
mod proxy;
mod relay;
mod schedule;

pub use self::{
    counts::Counts,
    fault::{Ending, Fault},
    proxy::{Proxy, Tally},
    schedule::{Rates, Schedule},
};
