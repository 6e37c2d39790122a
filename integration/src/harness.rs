//! What tests of the whole need: the shipped programs, started for real on free loopback ports, and ended
//! with the test however it ends.
//!
//! It leaves out every expectation: what must be true stands in `tests/`.

mod caller;
mod folder;
pub mod line;
mod look;
mod operator;
mod pack;
mod process;
mod server;
mod stores;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep};

pub use caller::{Caller, heard};
pub use folder::Folder;
pub use line::Line;
pub use look::Look;
pub use operator::Operator;
pub use pack::thin_pack;
pub use process::Process;
pub use server::{Server, settings_of};
pub use stores::{Store, Stores};

/// Words of customers that the tests of the whole use, and what they want; the pack teaches them.
pub mod words {
    /// A query: how much money is left.
    pub const BALANCE: &str = "哎你好，帮我看下我这卡上还剩多少钱";
    /// An order that is placed at once: a ticket.
    pub const COMPLAINT: &str = "垃圾清听，服务越来越烂";
    /// An order that costs money, and so asks first.
    pub const ADDON: &str = "帮我开个5GB流量包";
    /// Yes.
    pub const YES: &str = "是的";
    /// What a greeting of the pack contains.
    pub const GREETING: &str = "清听演示营业厅";
    /// The number of a customer of the simulated operator's, another one for each call.
    pub fn number_of(call: &str) -> String {
        let sum = call.bytes().fold(0_u32, |sum, it| sum.wrapping_mul(31).wrapping_add(it.into()));
        format!("1860001{:04}", sum % 10_000)
    }
}

/// The root of the repository, where the programs run.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("a crate of this workspace lies in its root").to_owned()
}

/// A program that was built: in `QINGTING_BIN_DIR`, or beside the test that runs.
pub fn program(name: &str) -> PathBuf {
    let folder = std::env::var_os("QINGTING_BIN_DIR").map(PathBuf::from).unwrap_or_else(|| {
        let test = std::env::current_exe().expect("a test that runs has a path");
        let folder = test.ancestors().nth(2).expect("tests lie in target/PROFILE/deps");
        folder.to_owned()
    });
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: cargo build -p dialog -p integration", path.display());
    path
}

/// Stores, an operator and a server of one tenant.
pub struct World {
    /// Redis and Postgres.
    pub stores: Arc<Stores>,
    /// The operator's systems.
    pub operator: Operator,
    /// The server.
    pub server: Server,
}

impl World {
    /// Starts a server with these settings, `("LIMITS__TURNS", "2")`, beside an operator of its own.
    pub async fn start(stores: Arc<Stores>, tenant: &str, settings: &[(&str, &str)]) -> Self {
        let operator = Operator::start().await;
        let server = Server::start(&stores, &operator, tenant, settings).await;
        Self { stores, operator, server }
    }
}

/// A client for HTTP. It keeps no connections, since each would end with the test that opened it.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .build()
        .expect("a client without settings can be built")
}

/// Tries until it succeeds; fails with the last reason once `within` has passed.
pub async fn eventually<T>(
    what: &str,
    within: Duration,
    mut probe: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let until = Instant::now() + within;
    loop {
        match probe().await {
            Ok(found) => return found,
            Err(reason) if Instant::now() > until => {
                panic!("{what}: not within {within:?}: {reason}")
            }
            Err(_) => sleep(Duration::from_millis(20)).await,
        }
    }
}
