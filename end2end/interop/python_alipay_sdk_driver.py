"""PyPI python-alipay-sdk: has no base URL, so its attribute `_gateway` is set."""

import json
import urllib.parse
import urllib.request

from alipay import AliPay, DCAliPay
from alipay.exceptions import AliPayException, AliPayValidationError

from harness import PATIENCE_S, SUBJECT, AlipayTrade, Simulator, addresses, raised, run, step

(url,) = addresses()
simulator = Simulator(url)
credentials = simulator.credentials


def check(fields):
    signature = fields.pop("sign")
    assert alipay.verify(fields, signature), "forged"


trade = AlipayTrade(simulator, "FZ", check)
alipay = AliPay(
    appid=credentials["alipayAppId"],
    app_notify_url=trade.inbox.url,
    app_private_key_string=credentials["alipayPrivateKey"],
    alipay_public_key_string=credentials["alipayPublicKey"],
)
alipay._gateway = f"{url}/gateway.do"


def query():
    return alipay.api_alipay_trade_query(out_trade_no=trade.number)


def refund(amount, reason):
    return alipay.api_alipay_trade_refund(
        amount, out_trade_no=trade.number, out_request_no=trade.request_number, refund_reason=reason
    )


def query_refund():
    return alipay.api_alipay_trade_fastpay_refund_query(trade.request_number, out_trade_no=trade.number)


trade.walk(
    order=lambda number, amount: alipay.api_alipay_trade_precreate(SUBJECT, number, amount),
    query=query,
    refund=refund,
    query_refund=query_refund,
)


@step("works in certificate mode")
def _():
    certified = DCAliPay(
        appid=credentials["alipayAppId"],
        app_private_key_string=credentials["alipayPrivateKey"],
        app_public_key_cert_string=credentials["alipayAppCert"],
        alipay_public_key_cert_string=credentials["alipayCert"],
        alipay_root_cert_string=credentials["alipayRootCert"],
    )
    certified._gateway = alipay._gateway
    assert certified.api_alipay_trade_query(out_trade_no=trade.number)["trade_status"] == "TRADE_SUCCESS"


@step("refuses a forged answer")
def _():
    simulator.fault(kind="badSignature", gateway="alipay", endpoint="query")
    raised(AliPayValidationError, query)


@step("refuses an answer without a signature")
def _():
    simulator.fault(kind="noSignature", gateway="alipay", endpoint="query")
    raised(AliPayException, query)


@step("refuses a notice that somebody else signed, or that was altered")
def _():
    assert "forged" in str(trade.refusal_of_a_stranger())
    altered = trade.genuine_fields(total_amount="0.01")
    assert alipay.verify(altered, altered.pop("sign")) is False


def pay_in_browser(number, signed):
    with urllib.request.urlopen(f"{url}/gateway.do?{signed}", timeout=PATIENCE_S) as answer:
        page = answer.read().decode()
    simulator.pay(number)
    trade.inbox.expect_next()
    assert trade.seen[-1]["out_trade_no"] == number, page


@step("signs a payment page and is paid there")
def _():
    number = trade.fresh_number()
    pay_in_browser(number, alipay.api_alipay_trade_page_pay(SUBJECT, number, "49.90"))


@step("defect: orders phone payments as QUICK_WAP_PAY, which does not exist; the right word can be given")
def _():
    number = trade.fresh_number()

    def signed(**words):
        return alipay.api_alipay_trade_wap_pay(SUBJECT, number, "49.90", quit_url="https://shop.example/", **words)

    assert "QUICK_WAP_PAY" in urllib.parse.unquote_plus(signed())
    refused = raised(AssertionError, pay_in_browser, number, signed())
    assert "no gateway knows" in str(refused), refused
    pay_in_browser(number, signed(product_code="QUICK_WAP_WAY"))


@step("defect: counts braces inside texts, so that a good answer is cut in the wrong place")
def _():
    node = '{"code":"10000","subject":"a } in a text"}'
    raw = f'{{"alipay_trade_query_response":{node},"sign":"…"}}'
    assert json.loads(raw)["alipay_trade_query_response"] == json.loads(node)
    cut = alipay._get_string_to_be_signed(raw, "alipay_trade_query_response")
    assert cut == '{"code":"10000","subject":"a }'


@step("defect: verify takes sign_type out of the caller's fields")
def _():
    fields = trade.genuine_fields()
    signature = fields.pop("sign")
    assert alipay.verify(fields, signature)
    assert "sign_type" not in fields


@step("defect: raises instead of refusing when a notice names another sign_type")
def _():
    fields = trade.genuine_fields(sign_type="RSA")
    error = raised(AliPayException, alipay.verify, fields, fields.pop("sign"))
    assert "Unknown sign type" in str(error)


@step("defect: sends local time, which Alipay refuses outside its time zone")
def _():
    trade.expect_time_zone_refused(query)


run()
