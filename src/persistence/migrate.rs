//! Brings the schema of the main database up to date. Migrations are never edited once released, only added.

use super::{Db, On, StoreError};

static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");

/// Runs what has not been run yet. Nodes that start together wait for each other on PostgreSQL.
pub async fn migrate(db: &Db) -> Result<(), StoreError> {
    match db.write() {
        On::Lite(pool) => SQLITE.run(pool).await?,
        On::Pg(pool) => POSTGRES.run(pool).await?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::persistence::Durability;

    #[tokio::test]
    async fn migrating_twice_is_harmless() {
        let dir = tempfile::tempdir().unwrap();
        let db = Db::sqlite(&dir.path().join("hub.db"), Durability::Normal).await.unwrap();
        migrate(&db).await.unwrap();
        migrate(&db).await.unwrap();
    }

    #[test]
    fn both_engines_have_the_same_steps() {
        let steps = |migrator: &sqlx::migrate::Migrator| {
            migrator.iter().map(|step| (step.version, step.description.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(steps(&SQLITE), steps(&POSTGRES));
    }
}
