-- Entries of the ledger and of fees of a span of time, for the files of accountants.

create index entries_by_time on entries (created_at, journal, account);
create index fee_entries_by_time on fee_entries (created_at, journal, account);
