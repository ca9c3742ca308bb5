//! What is known to be true of the crate, from the outside.

mod captured;
mod cases;
#[cfg(all(feature = "gzip", feature = "lz4", feature = "snappy", feature = "zstd"))]
mod faults;
mod features;
mod hex;
#[cfg(all(feature = "gzip", feature = "lz4", feature = "snappy", feature = "zstd"))]
mod hostile;
#[cfg(all(feature = "gzip", feature = "lz4", feature = "snappy", feature = "zstd"))]
mod records;
mod schemas;
