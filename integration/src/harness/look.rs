//! What lies in Postgres, looked at as an auditor would: past every line of the product's own code.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::{PgPool, Row, postgres::PgPoolOptions};

/// A look into Postgres.
#[derive(Debug, Clone)]
pub struct Look(PgPool);

impl Look {
    pub(super) async fn into(url: &str) -> Self {
        let pool = PgPoolOptions::new().max_connections(2).connect(url).await;
        Self(pool.expect("Postgres lets an auditor in"))
    }

    /// Order key -> the operator's answer, of all orders of a tenant.
    pub async fn ledger(&self, tenant: &str) -> BTreeMap<String, Option<Value>> {
        let rows = sqlx::query(
            "SELECT concat_ws('/', tenant, call, turn, action, parameters) AS key, answer
               FROM orders WHERE tenant = $1",
        );
        let rows = rows.bind(tenant).fetch_all(&self.0).await.expect("the ledger can be read");
        rows.iter().map(|row| (row.get("key"), row.get("answer"))).collect()
    }

    /// Turns of a call in the journal, in order.
    pub async fn journal(&self, tenant: &str, call: &str) -> Vec<Value> {
        let rows =
            sqlx::query("SELECT entry FROM journal WHERE tenant = $1 AND call = $2 ORDER BY turn");
        let rows = rows.bind(tenant).bind(call).fetch_all(&self.0).await;
        rows.expect("the journal can be read").iter().map(|row| row.get("entry")).collect()
    }

    /// How many releases a tenant has.
    pub async fn releases(&self, tenant: &str) -> i64 {
        let row = sqlx::query("SELECT count(*) FROM release WHERE tenant = $1").bind(tenant);
        row.fetch_one(&self.0).await.expect("releases can be counted").get(0)
    }
}
