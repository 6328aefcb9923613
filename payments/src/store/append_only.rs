//! Append-only triggers: the database itself refuses to change or remove ledger entries and audit log entries.
//!
//! Trigger syntax is the one difference between the two engines, so they are no migration: missing ones are created at
//! every start.

use sqlx::{PgConnection, SqliteConnection};

use super::{Engine, StoreError, Tx, on};

/// SQLite fires a trigger for each row only; a statement that matches none changes none.
const SQLITE: [&str; 6] = [
    "create trigger if not exists entries_are_not_changed before update on entries
        begin select raise(abort, 'entries are append-only'); end",
    "create trigger if not exists entries_are_not_removed before delete on entries
        begin select raise(abort, 'entries are append-only'); end",
    "create trigger if not exists fee_entries_are_not_changed before update on fee_entries
        begin select raise(abort, 'fee entries are append-only'); end",
    "create trigger if not exists fee_entries_are_not_removed before delete on fee_entries
        begin select raise(abort, 'fee entries are append-only'); end",
    "create trigger if not exists audit_lines_are_not_changed before update on audit_log
        begin select raise(abort, 'audit lines are append-only'); end",
    "create trigger if not exists audit_lines_are_not_removed before delete on audit_log
        begin select raise(abort, 'audit lines are append-only'); end",
];

/// Checks before it creates: the server's database account need not have the right to create triggers once they exist. The
/// lock serializes servers that start together.
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
            select from pg_trigger where tgname = 'fee_entries_are_append_only' and tgrelid = 'fee_entries'::regclass
        ) then
            create trigger fee_entries_are_append_only before update or delete or truncate on fee_entries
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

/// Counts the triggers that are missing, disabled, or changed so that they no longer refuse.
pub(crate) async fn count_missing(tx: &mut Tx<'_>) -> Result<usize, StoreError> {
    const IN_SQLITE: &str = "
        select wanted.name
        from (
            select 'entries_are_not_changed' as name, 'entries' as guarded, 'update' as act
            union all select 'entries_are_not_removed', 'entries', 'delete'
            union all select 'fee_entries_are_not_changed', 'fee_entries', 'update'
            union all select 'fee_entries_are_not_removed', 'fee_entries', 'delete'
            union all select 'audit_lines_are_not_changed', 'audit_log', 'update'
            union all select 'audit_lines_are_not_removed', 'audit_log', 'delete'
        ) as wanted
        left join sqlite_schema t on t.type = 'trigger' and t.name = wanted.name and t.tbl_name = wanted.guarded
            and t.sql like '% before ' || wanted.act || ' on ' || wanted.guarded || '%begin select raise(abort, %'
        where t.name is null";
    // 'O' and 'A': fires in every ordinary session. 58: before update, delete and truncate, once a statement.
    const IN_POSTGRES: &str = "
        select wanted.name
        from (values ('entries_are_append_only', 'entries'), ('fee_entries_are_append_only', 'fee_entries'),
            ('audit_log_is_append_only', 'audit_log'))
            as wanted (name, guarded)
        left join pg_trigger t on t.tgname = wanted.name and t.tgrelid = cast(wanted.guarded as regclass)
            and t.tgenabled in ('O', 'A') and t.tgtype = 58
            and exists (
                select from pg_proc f
                where f.oid = t.tgfoid and f.proname = 'refuse_change' and f.prosrc like '%raise exception%')
        where t.tgname is null";
    let sql = match &tx.engine {
        Engine::Postgres(_) => IN_POSTGRES,
        Engine::Reader(_) | Engine::Writer { .. } => IN_SQLITE,
    };
    let missing: Vec<(String,)> = on!(tx, sql, fetch_all, |query| query)?;
    Ok(missing.len())
}

pub(super) async fn protect_sqlite(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    for statement in SQLITE {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    Ok(())
}

pub(super) async fn protect_postgres(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(POSTGRES).execute(connection).await.map(drop)
}
