-- Authorisations inside WeChat that learn a payer's openid: a state that is bound to one order and one visitor, used once.
create table wechat_authorizations (
    -- SHA-256 of the state, in hex.
    state_hash text primary key,
    order_id text not null,
    -- SHA-256 of the visitor's cookie, in hex.
    visitor_hash text not null,
    expires_at bigint not null
);

create index wechat_authorizations_by_order on wechat_authorizations (order_id);

-- Openids of visitors who opened a checkout page inside WeChat.
create table wechat_openids (
    visitor_hash text not null,
    app_id text not null,
    -- SHA-256 of app and openid, in hex: finds the other rows of one payer.
    openid_hash text not null,
    -- Sealed.
    openid text not null,
    created_at bigint not null,
    primary key (visitor_hash, app_id)
);

create index wechat_openids_by_openid on wechat_openids (openid_hash);
create index wechat_openids_by_time on wechat_openids (created_at);
