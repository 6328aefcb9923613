//! Documentation of every call of `/_control`, with examples for a shell.

pub(super) struct Chapter {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) calls: &'static [Call],
}

pub(super) struct Call {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) what: &'static str,
    /// Bodies; a call without one has its plain example.
    pub(super) bodies: &'static [&'static str],
}

const fn get_call(path: &'static str, what: &'static str) -> Call {
    Call {
        method: "GET",
        path,
        what,
        bodies: &[""],
    }
}

const fn post_call(path: &'static str, what: &'static str, bodies: &'static [&'static str]) -> Call {
    Call {
        method: "POST",
        path,
        what,
        bodies,
    }
}

pub(super) const CHAPTERS: &[Chapter] = &[
    Chapter {
        title: "A merchant's side",
        text: "",
        calls: &[
            get_call(
                "/credentials",
                "Everything the two gateways hand to a merchant, and the same as environment variables in env.",
            ),
            get_call(
                "/books",
                "Trades, refunds and notices as the gateways have them; shipping of a trade is what was uploaded of a mini program's payment. They are kept in memory only and end with the process.",
            ),
            get_call(
                "/merchant",
                "What the merchant has to refund with, and how long refunds take.",
            ),
            post_call(
                "/merchant",
                "Sets any of wechatBalanceFen, wechatRefundMs (how long new refunds are under way), wechatFeeRate (hundredths of a percent, for new payments; WeChat Pay gives the fee back with a refund), alipayBalanceFen (null: without end), alipayRefundMs, alipayFeeRate, alipayReturnsFees (Alipay keeps the fee of a refund unless this is set). A refund that the balance does not cover is refused with NOT_ENOUGH or ACQ.SELLER_BALANCE_NOT_ENOUGH. wechatProducts (native, h5, jsapi, app) and alipayProducts (qr, wap, page) are the products that the merchant has signed; another one is refused with NO_AUTH or ACQ.ACCESS_FORBIDDEN.",
                &[
                    r#"{"wechatBalanceFen":0}"#,
                    r#"{"wechatProducts":["native"],"alipayProducts":["qr","wap","page"]}"#,
                    r#"{"wechatBalanceFen":100000000,"wechatRefundMs":5000,"alipayBalanceFen":null,"alipayRefundMs":0}"#,
                ],
            ),
            get_call(
                "/alipay",
                "How Alipay signs to this merchant, and the serial numbers of certificate mode.",
            ),
            post_call(
                "/alipay",
                "Sets how Alipay signs; what is not named is as at the start. certificate (for calls with app_cert_sn): first, second (a changed one, to be fetched), forged (its chain ends in other roots). notices: asAsked, publicKey, certificate, unsignedSerial (alipay_cert_sn is left out of what is signed). signFirst: the signature stands before the node.",
                &[
                    r#"{"certificate":"second"}"#,
                    r#"{"notices":"certificate","signFirst":true}"#,
                    "{}",
                ],
            ),
        ],
    },
    Chapter {
        title: "Payers",
        text: "code is what a QR code says; outTradeNo does as well; with neither it is the newest bill that waits to be paid. payer is a name: another name is another person. The same with buttons: /wallet.",
        calls: &[
            post_call(
                "/scan",
                "Scans and leaves it at that. At Alipay this is what creates the trade.",
                &["{}", r#"{"payer":"one"}"#],
            ),
            post_call("/refuse", "Scans and says no; the order stays payable.", &["{}"]),
            post_call(
                "/pay",
                "Scans and pays; the notice follows at once. couponFen: the gateway pays that much of it, payer_total is smaller than total. merchantCouponFen: the merchant gives that much away, and so much less is settled. silent: the merchant is never notified. balanceFen: what the payer has; when it is not enough the call is refused and the order stays payable.",
                &[
                    "{}",
                    r#"{"couponFen":1}"#,
                    r#"{"balanceFen":1000000}"#,
                    r#"{"silent":true}"#,
                ],
            ),
            post_call(
                "/oauth",
                "Lets the next authorisation inside WeChat go wrong: usedCode, expiredCode, foreignApp (the exchange of the code is refused) or swappedState (the browser comes back with another state). Without slip nothing goes wrong.",
                &[r#"{"slip":"usedCode"}"#, "{}"],
            ),
            post_call(
                "/bridge",
                "What WeChat does when a page inside it calls getBrandWCPayRequest, a mini program wx.requestPayment, or an app the SDK: takes the object that is handed over, verifies its signature with the merchant's key, and pays the order, which must be of that kind and app. What is wrong is said in error.",
                &[
                    r#"{"appid":"wx…","partnerid":"…","prepayid":"wx…","package":"Sign=WXPay","noncestr":"…","timestamp":"1700000000","sign":"…"}"#,
                    r#"{"appId":"wx…","timeStamp":"1700000000","nonceStr":"…","package":"prepay_id=wx…","signType":"RSA","paySign":"…"}"#,
                ],
            ),
        ],
    },
    Chapter {
        title: "Time",
        text: "The simulator's clock runs with the machine's unless it was started fixed. Both gateways refuse requests more than five minutes away from it (Alipay: a day), so a client whose own clock did not move is refused after a big step.",
        calls: &[
            get_call("/clock", "The time here, in milliseconds and in Beijing."),
            post_call(
                "/clock",
                "advanceMs moves the clock forward by way of everything that falls due (expiries, refunds, notices and their repetitions), each at its own time and in order, and answers when all of it was attempted; at most 400 days at once. speed lets a running clock go so many times as fast, 1 to 100000, until it is set again.",
                &[r#"{"advanceMs":15000}"#, r#"{"speed":1}"#],
            ),
        ],
    },
    Chapter {
        title: "Faults",
        text: "A fault is a kind, with its number where it has one, and as narrow as you like: gateway (wechat, alipay), endpoint (create, query, close, cancel, refund, queryRefund, bill, certificates, shipping, cashier, notice, refundNotice), host (primary, backup). How often: times, so many next occasions; percent, by the seeded dice; otherwise always. The kinds are listed below.",
        calls: &[
            get_call(
                "/faults",
                "The faults that are set, with the times that are left.",
            ),
            post_call(
                "/faults",
                "Adds one fault, or replaces all of them by a list.",
                &[
                    r#"{"kind":"errorAfter","gateway":"wechat","endpoint":"create","times":1}"#,
                    r#"{"faults":[{"kind":"probe","percent":5},{"kind":"stale","seconds":3,"endpoint":"query"}]}"#,
                ],
            ),
            Call {
                method: "DELETE",
                path: "/faults",
                what: "Clears all faults.",
                bodies: &[""],
            },
        ],
    },
    Chapter {
        title: "Notices",
        text: "outTradeNo may be left out: then it is the newest notice.",
        calls: &[
            post_call(
                "/resend",
                "Sends the newest notice of a trade again now, acknowledged or not.",
                &["{}"],
            ),
            post_call(
                "/notice",
                "Attack mode: the gateway's own notice, altered before it is signed; the books stay as they are. The headers and the body come back, ready to be posted; with send it is posted to its notify_url and the answer comes back too. set: members of WeChat's plaintext (total, payer_total, currency, mchid, appid, trade_state, transaction_id …) or fields of Alipay's form (app_id, seller_id, total_amount, trade_status …); null removes one. signedBy: gateway, rotated, stranger, nobody, probe. ageSeconds: how old it is. newId: under an id that was never used. Also eventType, url, gbk, percentSpaces.",
                &[
                    r#"{"set":{"mchid":"1900000000"}}"#,
                    r#"{"signedBy":"stranger","ageSeconds":600,"newId":true,"send":true}"#,
                ],
            ),
        ],
    },
    Chapter {
        title: "Refunds and old trades",
        text: "Refunds end by themselves when their time is up; these calls decide sooner, or otherwise.",
        calls: &[
            post_call(
                "/refund",
                "Ends a refund of WeChat Pay: outcome success, abnormal or closed; refundNo, or the newest that is under way. An abnormal one can still be ended as success or closed.",
                &[r#"{"outcome":"abnormal"}"#, r#"{"outcome":"success"}"#],
            ),
            post_call(
                "/refund-by-hand",
                "A person refunds in the gateway's own merchant platform, past the merchant's program: WeChat Pay notifies nobody, Alipay the notify_url of the payment. fen: how much; without it all that is left.",
                &[r#"{"outTradeNo":"…","fen":1}"#],
            ),
        ],
    },
    Chapter {
        title: "Statements",
        text: "The trade and fund-flow statements (bills) of a Beijing day appear at nine o'clock of the next one: move the clock. They say what the gateways did; here differences are planted in them, by outTradeNo or refundNo, and stay until they are cleared. table: trade or fundFlow, else both. Files that are late, missing, damaged, cut off or another's are faults (endpoint bill).",
        calls: &[
            get_call("/statements", "The differences that are planted."),
            post_call(
                "/statements",
                "Plants one difference, or a list of them. kind: omit (not listed), amount (fen is added to it, 1 if absent; the fee follows), fee (fen is added), status (of a refund: a successful one failed, any other one succeeded; Alipay lists only successful ones), duplicate (the payment once more under another number of the gateway), invent (a copy under numbers that never were). foreign: count payments of fen each, of another program on the same merchant number, on a day of a gateway.",
                &[
                    r#"{"kind":"omit","outTradeNo":"…"}"#,
                    r#"{"kind":"fee","refundNo":"…","fen":2,"table":"fundFlow"}"#,
                    r#"{"statements":[{"kind":"foreign","gateway":"wechat","day":"2027-01-15","count":3,"fen":100}]}"#,
                ],
            ),
            Call {
                method: "DELETE",
                path: "/statements",
                what: "Clears all of them.",
                bodies: &[""],
            },
        ],
    },
];
