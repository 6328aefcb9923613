//! A day of payments, in the database and in both statements of a gateway.

use std::fmt::Write as _;
use std::io::Write as _;

use domain::Channel;
use encoding_rs::GBK;
use flate2::Compression;
use flate2::write::GzEncoder;
use sqlx::{AssertSqlSafe, Connection as _};

use super::Result;
use super::harness::{read, text};

pub const DATE: &str = "2026-11-24";
/// Midnight of that day in Beijing.
const MIDNIGHT: i64 = 1_795_449_600_000;
/// 10:30 of the next one.
pub const MORNING: i64 = MIDNIGHT + (24 + 10) * 3_600_000 + 1_800_000;
const DAY_MS: i64 = 24 * 3_600_000;

fn amount(n: i64) -> i64 {
    100 + n * 7919 % 50_000
}

/// At 0.6 %, rounded.
fn fee(n: i64) -> i64 {
    (amount(n) * 6 + 500) / 1000
}

fn at(n: i64, n_lines: i64) -> i64 {
    MIDNIGHT + n * DAY_MS / n_lines
}

fn clock(at: i64) -> String {
    let seconds = (at - MIDNIGHT) / 1000;
    format!(
        "{DATE} {:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Numbers of a payment differ from their neighbours' at their end, as real ones do.
fn payment_no(channel: Channel, n: i64) -> String {
    format!("P{}{n:025}", place(channel))
}

fn trade(channel: Channel, n: i64) -> String {
    format!("4200{}20261124{n:015}", place(channel))
}

const fn place(channel: Channel) -> i64 {
    match channel {
        Channel::Wechat => 1,
        Channel::Alipay => 2,
    }
}

fn yuan(fen: i64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// Inserts the orders and payments of the day.
pub async fn fill(url: &str, channel: Channel, n_lines: i64) -> Result<()> {
    const ORDERS: &str = "insert into orders (id, order_no, token, user_id, subject, amount, state, expires_at, paid_at,
            created_at, updated_at)
        select 'ord_' || NAME, 'O' || NAME, 't' || NAME, 'ann', 'plan', AMOUNT, 'paid', TIME, TIME, TIME, TIME from s";
    const PAYMENTS: &str =
        "insert into payments (id, payment_no, order_id, method, product, amount, state, settles,
            transaction_id, request, expires_at, paid_at, created_at, updated_at)
        select 'pay_' || NAME, 'P' || NAME, 'ord_' || NAME, 'METHOD', 'PRODUCT', AMOUNT, 'paid', true,
            '4200PLACE20261124' || substr('000000000000000' || n, -15), '', TIME, TIME, TIME, TIME
        from s";
    let is_sqlite = url.starts_with("sqlite:");
    let series = if is_sqlite {
        "with recursive s(n) as (select 0 union all select n + 1 from s where n + 1 < ROWS)"
    } else {
        "with s(n) as (select cast(generate_series(0, ROWS - 1) as bigint))"
    };
    let last = |digits: &str| {
        if is_sqlite {
            format!("substr('{digits}' || n, -{})", digits.len())
        } else {
            format!("right('{digits}' || n, {})", digits.len())
        }
    };
    let product = match channel {
        Channel::Wechat => "native",
        Channel::Alipay => "qr",
    };
    for table in [ORDERS, PAYMENTS] {
        let statement = format!("{series} {table}")
            .replace("substr('000000000000000' || n, -15)", &last("000000000000000"))
            .replace(
                "NAME",
                &format!("'PLACE' || {}", last("0000000000000000000000000")),
            )
            .replace("AMOUNT", "100 + n * 7919 % 50000")
            .replace("TIME", &format!("({MIDNIGHT} + n * {DAY_MS} / ROWS)"))
            .replace("METHOD", channel.as_str())
            .replace("PRODUCT", product)
            .replace("PLACE", &place(channel).to_string())
            .replace("ROWS", &n_lines.to_string());
        execute(url, statement).await?;
    }
    if !is_sqlite {
        execute(url, "vacuum analyze".to_owned()).await?;
    }
    Ok(())
}

async fn execute(url: &str, statement: String) -> Result<()> {
    let statement = AssertSqlSafe(statement);
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await?;
        sqlx::query(statement).execute(&mut connection).await?;
        connection.close().await?;
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await?;
        sqlx::query(statement).execute(&mut connection).await?;
    }
    Ok(())
}

/// Keeps the fund-flow statement, so that the trade statement is compared together with it.
pub async fn keep_funds(url: &str, channel: Channel, file: &[u8]) -> Result<()> {
    const SQL: &str = "insert into statements (day, channel, kind, source, sum, file, received_at)
        values ($1, $2, 'fund_flow', 'file', 'x', $3, 0)";
    if url.starts_with("sqlite:") {
        let mut connection = sqlx::SqliteConnection::connect(url).await?;
        let query = sqlx::query(SQL).bind(DATE).bind(channel.as_str()).bind(file);
        query.execute(&mut connection).await?;
        connection.close().await?;
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await?;
        let query = sqlx::query(SQL).bind(DATE).bind(channel.as_str()).bind(file);
        query.execute(&mut connection).await?;
    }
    Ok(())
}

/// Trade and fund-flow statement, packed.
pub fn files(channel: Channel, n_lines: i64) -> Result<(Vec<u8>, Vec<u8>)> {
    let texts = match channel {
        Channel::Wechat => [wechat_trades(n_lines)?, wechat_funds(n_lines)?],
        Channel::Alipay => [alipay_trades(n_lines)?, alipay_funds(n_lines)?],
    };
    let [trade, funds] = texts.map(|text| match channel {
        Channel::Wechat => pack(text.as_bytes()),
        Channel::Alipay => pack(&GBK.encode(&text).0),
    });
    Ok((trade?, funds?))
}

fn pack(text: &[u8]) -> Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(text)?;
    Ok(packer.finish()?)
}

fn sums(n_lines: i64) -> (i64, i64) {
    let all = (0..n_lines).map(|n| (amount(n), fee(n)));
    all.fold((0, 0), |(amounts, fees), (amount, fee)| {
        (amounts + amount, fees + fee)
    })
}

fn wechat_trades(n_lines: i64) -> Result<String> {
    let file = read("b_wechat_callback");
    let (app, merchant) = (text(&file, "appid"), text(&file, "mchid"));
    let mut text = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n".to_owned();
    for n in 0..n_lines {
        let (fen, fee) = (yuan(amount(n)), yuan(fee(n)));
        write!(
            text,
            "`{},`{app},`{merchant},`0,`,`{},`{},`oUpF8uMuAJO_M2pxb1Q9{n:08},`NATIVE,`SUCCESS,`OTHERS,`CNY,`{fen},`0.00,`0,`0,`0,`0,`,`,`会员 & 月卡 100%,`,`{fee}000,`0.60%,`{fen},`0.00,`\r\n",
            clock(at(n, n_lines)),
            trade(Channel::Wechat, n),
            payment_no(Channel::Wechat, n)
        )?;
    }
    let (amounts, fees) = sums(n_lines);
    write!(
        text,
        "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n`{n_lines},`{0},`0.00,`0.00,`{1}000,`{0},`0.00\r\n",
        yuan(amounts),
        yuan(fees)
    )?;
    Ok(text)
}

fn wechat_funds(n_lines: i64) -> Result<String> {
    let mut text = "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额（元）,账户结余（元）,资金变更提交申请人,备注,业务凭证号\r\n".to_owned();
    let (mut balance, mut n_rows, mut n_fees) = (0, 0, 0);
    for n in 0..n_lines {
        let at = clock(at(n, n_lines));
        let (trade, number) = (trade(Channel::Wechat, n), payment_no(Channel::Wechat, n));
        for (business, direction, fen) in [("交易", "收入", amount(n)), ("扣除交易手续费", "支出", fee(n))]
        {
            if fen == 0 {
                continue;
            }
            let is_fee = direction == "支出";
            balance += if is_fee { -fen } else { fen };
            n_rows += 1;
            n_fees += i64::from(is_fee);
            write!(
                text,
                "`{at},`{trade},`190000010920261124{n_rows:012},`{business},`{business},`{direction},`{},`{},`system,`,`{number}\r\n",
                yuan(fen),
                yuan(balance)
            )?;
        }
    }
    let (amounts, fees) = sums(n_lines);
    write!(
        text,
        "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\r\n`{n_rows}.0,`{n_lines}.0,`{},`{n_fees}.0,`{}\r\n",
        yuan(amounts),
        yuan(fees)
    )?;
    Ok(text)
}

fn alipay_trades(n_lines: i64) -> Result<String> {
    let mut text = "#支付宝业务明细查询\r\n#账号：[20881021462251350156]\r\n#----业务明细列表----\r\n支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\r\n".to_owned();
    for n in 0..n_lines {
        let (at, fen) = (clock(at(n, n_lines)), yuan(amount(n)));
        write!(
            text,
            "{}\t,{}\t,交易,会员 & 月卡 100%,{at},{at},,,,,ann***@example.com,{fen},{fen},0.00,0.00,0.00,0.00,0.00,,0.00,0.00,,-{},0.00,\r\n",
            trade(Channel::Alipay, n),
            payment_no(Channel::Alipay, n),
            yuan(fee(n))
        )?;
    }
    let (amounts, _) = sums(n_lines);
    write!(
        text,
        "#----业务明细列表结束----\r\n#交易合计：{n_lines}笔，商家实收共{}元，商家优惠共0.00元\r\n#退款合计：0笔，商家实收退款共0.00元，商家优惠退款共0.00元\r\n#导出时间：[2026年11月25日 09:00:00]\r\n",
        yuan(amounts)
    )?;
    Ok(text)
}

fn alipay_funds(n_lines: i64) -> Result<String> {
    let mut text = "#支付宝账务明细查询\r\n#账号：[20881021462251350156]\r\n#----账务明细列表----\r\n账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注\r\n".to_owned();
    let (mut balance, mut n_rows, mut n_fees) = (0, 0, 0);
    for n in 0..n_lines {
        let at = clock(at(n, n_lines));
        let (trade, number) = (trade(Channel::Alipay, n), payment_no(Channel::Alipay, n));
        for (kind, fen) in [("在线支付", amount(n)), ("收费", fee(n))] {
            if fen == 0 {
                continue;
            }
            n_rows += 1;
            let (income, expense) = if kind == "收费" {
                n_fees += 1;
                balance -= fen;
                (String::new(), format!("-{}", yuan(fen)))
            } else {
                balance += fen;
                (yuan(fen), String::new())
            };
            write!(
                text,
                "20261124{n_rows:014}\t,{trade}\t,{number}\t,会员 & 月卡 100%,{at},ann***@example.com,{income},{expense},{},支付宝,{kind},\r\n",
                yuan(balance)
            )?;
        }
    }
    let (amounts, fees) = sums(n_lines);
    write!(
        text,
        "#----账务明细列表结束----\r\n#支出合计：{n_fees}笔，共-{}元\r\n#收入合计：{n_lines}笔，共{}元\r\n#导出时间：[2026年11月25日 09:00:00]\r\n",
        yuan(fees),
        yuan(amounts)
    )?;
    Ok(text)
}
