//! Drains the journal from Redis into Postgres: read, keep, and only then delete.
//!
//! Every server may drain; entries kept twice are one row. A cut at any point repeats work and loses none.

use std::time::Duration;

use async_trait::async_trait;
use redis::{RedisError, aio::ConnectionManager, streams::StreamRangeReply};
use sqlx::{PgPool, types::Json};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{Archive, Entry, Error};
use crate::{
    postgres::in_time,
    session::redis::{Redis, SHARDS, stream_key},
};

/// Entries taken from one stream at a time.
const BATCH: usize = 500;

/// Between two looks at empty streams.
const PAUSE: Duration = Duration::from_millis(200);

/// The journal's table in Postgres.
#[derive(Debug, Clone)]
pub struct Postgres {
    /// The database.
    pub pool: PgPool,
    /// For one statement.
    pub timeout: Duration,
}

const KEEP: &str = "
INSERT INTO journal (tenant, call, turn, at, entry)
SELECT it->>'tenant', it->>'call', (it->>'turn')::bigint, (it->>'at')::timestamptz, it
  FROM UNNEST($1::jsonb[]) AS it
ON CONFLICT DO NOTHING";

#[async_trait]
impl Archive for Postgres {
    async fn keep(&self, entries: &[Entry]) -> Result<u64, Error> {
        let rows: Vec<_> = entries.iter().cloned().map(Json).collect();
        let pool = self.pool.clone();
        let work = async move { sqlx::query(KEEP).bind(rows).execute(&pool).await };
        let done = in_time(self.timeout, work).await.map_err(Error::Unreachable)?;
        Ok(done.rows_affected())
    }
}

/// Drains until cancelled, then once more to the end; a failure waits and tries again.
pub async fn run(redis: Redis, archive: impl Archive, stop: CancellationToken) {
    let mut failures = 0_u32;
    while !stop.is_cancelled() {
        let drained = once(&mut redis.connection(), &archive).await;
        let pause = match &drained {
            Ok(0) => PAUSE,
            Ok(_) => continue,
            Err(error) => {
                failures = failures.saturating_add(1);
                warn!(%error, failures, "journal not drained");
                PAUSE * failures.min(25)
            }
        };
        if drained.is_ok() {
            failures = 0;
        }
        let _ = tokio::time::timeout(pause, stop.cancelled()).await;
    }
    // Other servers go on adding: what was there when we stopped has gone once no batch is full any more.
    loop {
        match once(&mut redis.connection(), &archive).await {
            Ok(BATCH..) => {}
            Ok(_) => return,
            Err(error) => {
                warn!(%error, "journal entries stay in Redis: the next server drains them");
                return;
            }
        }
    }
}

/// Moves one batch of every stream; says how many entries went.
///
/// # Errors
/// [`Error::Unreachable`]; what was not kept is still in Redis.
pub async fn once(redis: &mut ConnectionManager, archive: &dyn Archive) -> Result<usize, Error> {
    let failed = |it: RedisError| Error::Unreachable(it.to_string());
    let mut pipe = redis::pipe();
    for shard in 0..SHARDS {
        pipe.xrange_count(stream_key(shard), "-", "+", BATCH);
    }
    let streams: Vec<StreamRangeReply> = pipe.query_async(redis).await.map_err(failed)?;
    let mut moved = 0;
    for (shard, stream) in (0..).zip(streams) {
        if stream.ids.is_empty() {
            continue;
        }
        let (mut entries, mut unreadable): (Vec<Entry>, Vec<&Fields>) = Default::default();
        for it in &stream.ids {
            match parse(&it.map) {
                Some(entry) => entries.push(entry),
                None => unreadable.push(&it.map),
            }
        }
        archive.keep(&entries).await?;
        for fields in unreadable {
            set_aside(redis, shard, fields).await.map_err(failed)?;
        }
        let ids: Vec<&str> = stream.ids.iter().map(|it| it.id.as_str()).collect();
        let mut delete = redis::cmd("XDEL");
        delete.arg(stream_key(shard)).arg(&ids);
        delete.query_async::<u64>(redis).await.map_err(failed)?;
        moved += ids.len();
    }
    Ok(moved)
}

/// Fields of an entry in its stream.
type Fields = std::collections::HashMap<String, redis::Value>;

fn parse(fields: &Fields) -> Option<Entry> {
    let text: String = redis::from_redis_value_ref(fields.get("entry")?).ok()?;
    serde_json::from_str(&text).ok()
}

/// An entry that cannot be read, such as one of a newer server, would stop all behind it: it is kept in a
/// stream of its own for whoever can read it.
async fn set_aside(
    redis: &mut ConnectionManager,
    shard: u64,
    fields: &Fields,
) -> Result<(), RedisError> {
    let aside = format!("{}:unreadable", stream_key(shard));
    error!(stream = aside, "journal entry cannot be read: it is set aside in Redis");
    let mut add = redis::cmd("XADD");
    add.arg(aside).arg("*");
    for (name, value) in fields {
        let bytes: Vec<u8> = redis::from_redis_value_ref(value).unwrap_or_default();
        add.arg(name).arg(bytes);
    }
    add.query_async::<String>(redis).await.map(|_| ())
}
