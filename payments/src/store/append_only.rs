//! What was written into the books stays: the database itself refuses to change or remove an entry, or a line of the
//! audit log.
//!
//! Triggers are the one thing the two engines spell differently, so they are no migration: they are put up at every
//! start where they are missing.

use sqlx::{PgPool, SqliteConnection};

use super::StoreError;

/// SQLite fires a trigger for each row only; a statement that matches none changes none.
const SQLITE: [&str; 4] = [
    "create trigger if not exists entries_are_not_changed before update on entries
        begin select raise(abort, 'entries are append-only'); end",
    "create trigger if not exists entries_are_not_removed before delete on entries
        begin select raise(abort, 'entries are append-only'); end",
    "create trigger if not exists audit_lines_are_not_changed before update on audit_log
        begin select raise(abort, 'audit lines are append-only'); end",
    "create trigger if not exists audit_lines_are_not_removed before delete on audit_log
        begin select raise(abort, 'audit lines are append-only'); end",
];

/// Looks before it makes anything: the account of the server need not be allowed to make triggers once they are there.
/// The lock keeps servers that start together out of each other's way.
const POSTGRES: &str = "
    do $$
    begin
        perform pg_advisory_xact_lock(7430417);
        if not exists (
            select from pg_trigger where tgname = 'entries_are_append_only' and tgrelid = 'entries'::regclass
        ) then
            create or replace function refuse_change() returns trigger language plpgsql as $body$
            begin
                raise exception '% are append-only', tg_table_name using errcode = 'restrict_violation';
            end
            $body$;
            create trigger entries_are_append_only before update or delete or truncate on entries
                for each statement execute function refuse_change();
        end if;
        if not exists (
            select from pg_trigger where tgname = 'audit_log_is_append_only' and tgrelid = 'audit_log'::regclass
        ) then
            create trigger audit_log_is_append_only before update or delete or truncate on audit_log
                for each statement execute function refuse_change();
        end if;
    end
    $$";

pub(super) async fn protect_sqlite(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    for statement in SQLITE {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn protect_postgres(pool: &PgPool) -> Result<(), StoreError> {
    sqlx::query(POSTGRES).execute(pool).await?;
    Ok(())
}
