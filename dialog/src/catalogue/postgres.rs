//! Packs in Postgres: one row an entry, releases immutable.

use std::time::Duration;

use sqlx::{PgPool, Row as _};

use super::{Pack, pack::Row};
use crate::postgres::in_time;

/// Why a pack was not kept or found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Postgres does not answer: try again later.
    #[error("the catalogue cannot be reached: {0}")]
    Unreachable(String),
    /// Nothing was imported for this tenant: `qingting import` does it.
    #[error("no pack was imported for tenant `{0}`: run `qingting import`")]
    Missing(String),
}

/// Long enough for thousands of rows in one statement.
const IMPORT_TIMEOUT: Duration = Duration::from_secs(30);

/// One statement, so that a release is there whole or not at all.
const IMPORT: &str = "
WITH kept AS (
    INSERT INTO release (tenant, id, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1
), rows AS (
    INSERT INTO catalogue (tenant, release, file, place, kind, name, source)
    SELECT $1, $2, it.* FROM UNNEST($4::text[], $5::int[], $6::text[], $7::text[], $8::text[]) AS it
     WHERE EXISTS (SELECT 1 FROM kept)
)
INSERT INTO live (tenant, release) VALUES ($1, $2)
ON CONFLICT (tenant) DO UPDATE SET release = excluded.release, since = now()";

/// Keeps a pack as a release called `name` and makes it live; the same pack again changes nothing else.
/// Gives the release's id.
///
/// # Errors
/// [`Error::Unreachable`].
pub async fn import(pool: &PgPool, tenant: &str, name: &str, pack: &Pack) -> Result<String, Error> {
    let id = pack.fingerprint();
    let rows = pack.rows();
    let text =
        |field: fn(&Row) -> &String| rows.iter().map(|it| field(it).clone()).collect::<Vec<_>>();
    let statement = sqlx::query(IMPORT)
        .bind(tenant.to_owned())
        .bind(id.clone())
        .bind(name.to_owned())
        .bind(text(|it| &it.file))
        .bind(rows.iter().map(|it| it.place).collect::<Vec<_>>())
        .bind(text(|it| &it.kind))
        .bind(text(|it| &it.name))
        .bind(text(|it| &it.source));
    let pool = pool.clone();
    in_time(IMPORT_TIMEOUT, async move { statement.execute(&pool).await })
        .await
        .map_err(Error::Unreachable)?;
    Ok(id)
}

/// The pack of a release, or of the live one.
///
/// # Errors
/// [`Error::Missing`] when there is none.
pub async fn export(pool: &PgPool, tenant: &str, release: Option<&str>) -> Result<Pack, Error> {
    let statement = sqlx::query(
        "SELECT file, place, kind, name, source FROM catalogue WHERE tenant = $1
            AND release = COALESCE($2, (SELECT release FROM live WHERE tenant = $1))",
    )
    .bind(tenant.to_owned())
    .bind(release.map(str::to_owned));
    let pool = pool.clone();
    let rows = in_time(IMPORT_TIMEOUT, async move {
        let rows = statement.fetch_all(&pool).await?;
        rows.into_iter()
            .map(|row| {
                Ok(Row {
                    file: row.try_get("file")?,
                    place: row.try_get("place")?,
                    kind: row.try_get("kind")?,
                    name: row.try_get("name")?,
                    source: row.try_get("source")?,
                })
            })
            .collect::<Result<Vec<Row>, sqlx::Error>>()
    })
    .await
    .map_err(Error::Unreachable)?;
    if rows.is_empty() {
        return Err(Error::Missing(tenant.into()));
    }
    Ok(Pack::from_rows(rows))
}
