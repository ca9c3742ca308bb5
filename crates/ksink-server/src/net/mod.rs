//! The network: the only place where the state machines meet sockets, clocks and tasks.

mod accept;
mod budget;
mod buffers;
mod connection;
mod desk;
mod keeper;
mod listen;
mod outbox;
mod server;
mod state;

pub use self::{
    listen::{ListenAddr, ListenAddrError},
    server::{OpenError, Running, Server, ServerConfig},
    state::{OtherPurpose, StateConfig, StateContents},
};
