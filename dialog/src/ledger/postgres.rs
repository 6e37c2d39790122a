//! The book of orders in Postgres: each entry one statement, since sqlx may lose a cancelled transaction.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::{PgPool, Row, types::Json};

use super::{Entry, Error, Ledger};
use crate::{
    domain::{Answer, Order, OrderKey},
    postgres::in_time,
};

/// The book of orders in Postgres.
#[derive(Debug, Clone)]
pub struct Postgres {
    pool: PgPool,
    timeout: Duration,
}

impl Postgres {
    /// A book in this database.
    pub fn new(pool: PgPool, timeout: Duration) -> Self {
        Self { pool, timeout }
    }
}

const OPEN: &str = "
WITH fresh AS (
    INSERT INTO orders (tenant, call, turn, action, parameters, request)
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM fresh) AS fresh,
       (SELECT answer FROM orders
         WHERE tenant = $1 AND call = $2 AND turn = $3 AND action = $4 AND parameters = $5) AS answer";

const CLOSE: &str = "
UPDATE orders SET answer = $6, answered_at = now()
 WHERE tenant = $1 AND call = $2 AND turn = $3 AND action = $4 AND parameters = $5 AND answer IS NULL";

#[async_trait]
impl Ledger for Postgres {
    async fn open(&self, order: &Order) -> Result<Entry, Error> {
        let request = Json(order.request.clone());
        let statement = bind(OPEN, order.key.clone()).bind(request);
        let pool = self.pool.clone();
        let row = in_time(self.timeout, async move { statement.fetch_one(&pool).await })
            .await
            .map_err(Error::Unreachable)?;
        let malformed = |it: sqlx::Error| Error::Malformed(it.to_string());
        let answer: Option<Json<Answer>> = row.try_get("answer").map_err(malformed)?;
        Ok(match (row.try_get("fresh").map_err(malformed)?, answer) {
            (true, _) => Entry::New,
            (false, None) => Entry::Unfinished,
            (false, Some(Json(answer))) => Entry::Answered(answer),
        })
    }

    async fn close(&self, key: &OrderKey, answer: &Answer) -> Result<(), Error> {
        if *answer == Answer::Failed {
            return Ok(());
        }
        let statement = bind(CLOSE, key.clone()).bind(Json(answer.clone()));
        let pool = self.pool.clone();
        in_time(self.timeout, async move { statement.execute(&pool).await })
            .await
            .map(|_| ())
            .map_err(Error::Unreachable)
    }

    async fn ping(&self) -> Result<(), Error> {
        let pool = self.pool.clone();
        in_time(self.timeout, async move { sqlx::query("SELECT 1").execute(&pool).await })
            .await
            .map(|_| ())
            .map_err(Error::Unreachable)
    }
}

type Statement = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

fn bind(statement: &'static str, key: OrderKey) -> Statement {
    let turn = i64::try_from(key.turn).unwrap_or(i64::MAX);
    sqlx::query(statement)
        .bind(key.tenant)
        .bind(key.call)
        .bind(turn)
        .bind(key.action)
        .bind(key.parameters)
}
