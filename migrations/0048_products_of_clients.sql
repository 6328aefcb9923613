-- Products that an app or a mini program of the merchant's opens. `product` holds the nearest product that older servers read.
alter table payments add column client_product text
    check (client_product in ('wechat_app', 'wechat_mini', 'alipay_app', 'alipay_mini'));
