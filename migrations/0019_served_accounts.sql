-- Merchant accounts at the gateways that this database has served, so that a start with other settings, or with the
-- simulator, does not treat another merchant's money as its own.
create table served_accounts (
    channel text not null check (channel in ('wechat', 'alipay')),
    -- WeChat's merchant number, Alipay's app id.
    account text not null,
    -- Whether real money moved; the simulator may bear the same numbers.
    is_live boolean not null,
    first_at bigint not null,
    last_at bigint not null,
    primary key (channel, account, is_live)
);
