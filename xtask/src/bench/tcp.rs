//! The bare TCP server: it takes what ksink takes, and does nothing with it.
//!
//! It answers each request with the request's own first bytes, so that a request of one record is echoed whole and
//! a large one is answered as shortly as ksink answers. What it costs is what tokio and the kernel cost.

use std::{io, net::Ipv4Addr, time::Duration};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
    time::timeout,
};

/// The largest answer.
const ANSWER_BYTES_MAX: usize = 256;

/// As much as ksink reads at once.
const READ_BYTES: usize = 256 << 10;

/// It ends when nobody wants anything for so long: whoever started it may be gone.
const IDLE_MAX: Duration = Duration::from_secs(10);

/// What the server has to know: all requests of a run are equally long, so it need not look at them.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct TcpArgs {
    /// How long each request is.
    #[arg(long)]
    pub(super) request_bytes: usize,
}

impl TcpArgs {
    /// How long each answer is.
    pub(super) fn answer_bytes(self) -> usize {
        self.request_bytes.min(ANSWER_BYTES_MAX)
    }
}

/// Prints its port, and serves until nobody connects any more.
pub(super) fn run(args: &TcpArgs) -> Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?.port());
        while let Ok(accepted) = timeout(IDLE_MAX, listener.accept()).await {
            tokio::spawn(serve(accepted?.0, *args));
        }
        Ok(())
    })
}

async fn serve(mut stream: TcpStream, args: TcpArgs) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut input = vec![0; READ_BYTES];
    // A read may end with the last bytes of a request that it did not begin.
    let answers = vec![0; READ_BYTES + args.answer_bytes()];
    let mut unanswered = 0;
    loop {
        let read = stream.read(&mut input).await?;
        if read == 0 {
            return Ok(());
        }
        unanswered += read;
        let requests = unanswered / args.request_bytes;
        unanswered %= args.request_bytes;
        if requests > 0 {
            stream.write_all(&answers[..requests * args.answer_bytes()]).await?;
        }
    }
}
