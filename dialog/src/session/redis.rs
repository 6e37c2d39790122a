//! Sessions in Redis: one hash a call, one atomic script a save.
//!
//! A call and the journal stream that its turns go to share a hash tag, so that the script works on a
//! cluster; there are [`SHARDS`] of them. Every reply names the key and version it speaks of, since a
//! cancelled command may leave its reply to the next one on the same connection.

use std::time::Duration;

use async_trait::async_trait;
use redis::{
    Client, ErrorKind, RedisError, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use sha2::{Digest, Sha256};

use super::{Error, Key, Session, Store};
use crate::journal;

/// Over how many hash tags calls are spread.
pub const SHARDS: u64 = 16;

const SAVE: &str = r"
local stored = redis.call('HGET', KEYS[1], 'version') or '0'
if stored ~= ARGV[1] then return KEYS[1] .. ' conflict' end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'session', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
if ARGV[5] ~= '' then redis.call('XADD', KEYS[2], '*', 'entry', ARGV[5]) end
return KEYS[1] .. ' ' .. ARGV[2]
";

/// Sessions in Redis.
#[derive(Clone)]
pub struct Redis {
    connection: ConnectionManager,
    save: Script,
    timeout: Duration,
    ttl: Duration,
}

impl Redis {
    /// Connects; later losses of the connection mend themselves.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when there is no answer within `timeout`.
    pub async fn connect(url: &str, timeout: Duration, ttl: Duration) -> Result<Self, Error> {
        let client = Client::open(url).map_err(unreachable)?;
        let address = client.get_connection_info().addr().to_string();
        let failed = |why: String| Error::Unreachable(format!("{address}: {why}"));
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_max_delay(Duration::from_millis(200))
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout));
        let opening = ConnectionManager::new_with_config(client, config);
        let connection = tokio::time::timeout(timeout * 4, opening)
            .await
            .map_err(|_| failed("no answer in time".into()))?
            .map_err(|error| failed(in_one_line(&error)))?;
        Ok(Self { connection, save: Script::new(SAVE), timeout, ttl })
    }

    /// A connection for the journal's drain.
    pub(crate) fn connection(&self) -> ConnectionManager {
        self.connection.clone()
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(self.timeout, work).await {
            Ok(done) => done.map_err(unreachable),
            Err(_) => Err(Error::Unreachable("no answer in time".into())),
        }
    }
}

#[async_trait]
impl Store for Redis {
    async fn load(&self, key: &Key) -> Result<Option<Session>, Error> {
        let name = hash_key(key);
        let mut connection = self.connection.clone();
        let mut command = redis::cmd("HMGET");
        command.arg(&name).arg("version").arg("session");
        let (version, session): (Option<u64>, Option<String>) =
            self.in_time(command.query_async(&mut connection)).await?;
        let (Some(version), Some(session)) = (version, session) else { return Ok(None) };
        let session: Session = serde_json::from_str(&session).map_err(|it| malformed(&it))?;
        if session.key() != *key {
            return Err(Error::Unreachable("the reply speaks of another call".into()));
        }
        Ok(Some(Session { version, ..session }))
    }

    async fn save(&self, session: &Session, entry: Option<&journal::Entry>) -> Result<(), Error> {
        let key = session.key();
        let name = hash_key(&key);
        let next = session.version + 1;
        let body = serde_json::to_string(session).map_err(|it| malformed(&it))?;
        let entry = entry.map(serde_json::to_string).transpose().map_err(|it| malformed(&it))?;
        let mut invocation = self.save.key(&name);
        invocation
            .key(stream_key(shard(&key)))
            .arg(session.version)
            .arg(next)
            .arg(body)
            .arg(u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX))
            .arg(entry.unwrap_or_default());
        let mut connection = self.connection.clone();
        let said: String = self.in_time(invocation.invoke_async(&mut connection)).await?;
        match said.strip_prefix(&format!("{name} ")) {
            Some("conflict") => Err(Error::Conflict),
            Some(version) if version == next.to_string() => Ok(()),
            Some(_) | None => Err(Error::Unreachable("the reply speaks of another save".into())),
        }
    }

    async fn ping(&self) -> Result<(), Error> {
        let mut connection = self.connection.clone();
        self.in_time(redis::cmd("PING").query_async::<String>(&mut connection)).await.map(|_| ())
    }
}

/// A reply of another type is printed by its error as a whole, customers' words included: not by us.
fn unreachable(error: RedisError) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedReturnType => {
            Error::Unreachable("the reply is not of this command".into())
        }
        _ => Error::Unreachable(in_one_line(&error)),
    }
}

fn in_one_line(error: &RedisError) -> String {
    error.to_string().trim().replace('\n', "; ")
}

/// Where it stops making sense, without the words that stand there.
fn malformed(error: &serde_json::Error) -> Error {
    let at = error.column();
    Error::Malformed(format!("written by a newer server, or damaged, at character {at}"))
}

/// Stored calls outlive deploys, so this must never change.
fn shard(key: &Key) -> u64 {
    let hash = Sha256::digest(format!("{}/{}", key.tenant, key.call));
    u64::from(hash[0]) % SHARDS
}

fn hash_key(key: &Key) -> String {
    format!("qingting:{{{}}}:call:{}:{}", shard(key), key.tenant, key.call)
}

/// The journal stream of a shard.
pub(crate) fn stream_key(shard: u64) -> String {
    format!("qingting:{{{shard}}}:journal")
}
