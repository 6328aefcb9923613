-- What the money is for: a sale, or a user's own balance.
alter table orders add column purpose text not null default 'sale' check (purpose in ('sale', 'topup'));

create index orders_topups_by_user on orders (user_id) where purpose = 'topup';

-- Double entry. A journal is all rows of one name; it sums to zero and is never changed (store/append_only.rs).
create table entries (
    journal text not null,
    account text not null,
    amount bigint not null check (amount <> 0),
    kind text not null check (kind in
        ('payment', 'topup', 'surplus', 'refund_requested', 'refund', 'refund_failed', 'adjust')),
    reference text not null,
    note text,
    -- Only accounts of users are numbered, without a gap: the others would make every callback wait for every other.
    seq bigint,
    balance_after bigint check (balance_after >= 0),
    created_at bigint not null,
    primary key (journal, account),
    check ((seq is null) = (balance_after is null))
);

create unique index entries_of_user on entries (account, seq) where seq is not null;

-- What each user has, kept beside the entries and checked against them.
create table balances (
    user_id text primary key,
    available bigint not null check (available >= 0),
    seq bigint not null,
    updated_at bigint not null
);

-- The books of what happened before there were books. Nobody could top up or pay by balance then.
insert into entries (journal, account, amount, kind, reference, note, created_at)
select 'payment:' || id, 'gateway:' || method, -amount, case when settles then 'payment' else 'surplus' end, id,
    null, paid_at
from payments where state = 'paid';

insert into entries (journal, account, amount, kind, reference, note, created_at)
select 'payment:' || id, case when settles then 'sales' else 'surplus' end, amount,
    case when settles then 'payment' else 'surplus' end, id, null, paid_at
from payments where state = 'paid';

insert into entries (journal, account, amount, kind, reference, note, created_at)
select 'refund_requested:' || r.id, case when p.settles then 'sales' else 'surplus' end, -r.amount,
    'refund_requested', r.id, r.reason, r.created_at
from refunds r join payments p on p.id = r.payment_id;

insert into entries (journal, account, amount, kind, reference, note, created_at)
select 'refund_requested:' || id, 'refunds_due', amount, 'refund_requested', id, reason, created_at
from refunds;

insert into entries (journal, account, amount, kind, reference, note, created_at)
select 'refund:' || id, 'refunds_due', -amount, 'refund', id, reason, coalesce(finished_at, created_at)
from refunds where state = 'succeeded';

insert into entries (journal, account, amount, kind, reference, note, created_at)
select 'refund:' || r.id, 'gateway:' || p.method, r.amount, 'refund', r.id, r.reason,
    coalesce(r.finished_at, r.created_at)
from refunds r join payments p on p.id = r.payment_id where r.state = 'succeeded';

insert into entries (journal, account, amount, kind, reference, note, created_at)
select 'refund_failed:' || id, 'refunds_due', -amount, 'refund_failed', id, reason,
    coalesce(finished_at, created_at)
from refunds where state = 'failed';

insert into entries (journal, account, amount, kind, reference, note, created_at)
select 'refund_failed:' || r.id, case when p.settles then 'sales' else 'surplus' end, r.amount, 'refund_failed',
    r.id, r.reason, coalesce(r.finished_at, r.created_at)
from refunds r join payments p on p.id = r.payment_id where r.state = 'failed';
