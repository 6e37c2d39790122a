//! The simulated operator: a real HTTP program with customers, balances, plans, orders and tickets.
//!
//! It sells what a pack's `knowledge.toml` says, so that prices never disagree with what customers are told.
//! Its state lies in memory and is gone when it stops. `GET /admin/orders` shows what had effect;
//! `POST /admin/faults` makes it slow or broken on purpose. It leaves out who may call it: it listens
//! where it is told to and trusts the caller's number, as systems behind an operator's firewall do.

mod books;
mod demo;
mod faults;
mod http;
mod line;
mod market;
mod orders;
mod queries;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use books::Books;
use market::Market;

/// Why the operator did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The knowledge cannot be read: name another file.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// The knowledge is no such file, or lacks what an operator sells: mend it.
    #[error("{path}: {message}")]
    Knowledge {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The address is taken or not ours: name another, or port 0 for a free one.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// The simulated operator.
#[derive(Debug)]
pub struct Operator;

impl Operator {
    /// Starts an operator that sells what `knowledge` says and listens on `listen`; port 0 takes a free one.
    ///
    /// It runs on the present Tokio runtime until [`Running::stop`], or until the handle is dropped.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start(knowledge: &Path, listen: SocketAddr) -> Result<Running, Error> {
        let market = Market::read(knowledge)?;
        let unheard = |cause| Error::Listen { address: listen, cause };
        let listener = TcpListener::bind(listen).await.map_err(unheard)?;
        let address = listener.local_addr().map_err(unheard)?;
        let (stop, stopping) = watch::channel(false);
        let state = http::Shared::new(Books::new(Arc::new(market)), stopping.clone());
        let router = http::router(state).into_make_service_with_connect_info::<line::Cut>();
        let serve =
            axum::serve(line::Lines(listener), router).with_graceful_shutdown(stopped(stopping));
        let served = tokio::spawn(async move { serve.await });
        Ok(Running { address, stop, served })
    }
}

/// An operator that runs.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<io::Result<()>>,
}

impl Running {
    /// Its base address, such as `http://127.0.0.1:7420`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops taking calls, answers those under way, and ends; hanging ones are cut.
    pub async fn stop(self) {
        let Self { stop, served, .. } = self;
        stop.send_replace(true);
        // The serving task ends only by this signal and has no result of its own to lose.
        let _ = served.await;
    }
}

/// Waits until the operator is stopped or its handle dropped.
async fn stopped(mut stopping: watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}
