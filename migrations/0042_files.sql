-- Ledger entries of a span of time, for the files of accountants.

create index entries_by_time on entries (created_at, journal, account);
