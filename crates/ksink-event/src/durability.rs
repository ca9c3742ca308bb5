//! What an acknowledgement survives.

/// What an acknowledgement survives. Records inside of a transaction are answered as at
/// [`Process`](Self::Process) also at [`Power`](Self::Power): their commit is what survives more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of this process, `kill -9` included: the kernel has it.
    #[default]
    Process,
    /// The end of the machine: the disk has it.
    Power,
    /// Nothing: a batch is answered before it is written.
    None,
}
