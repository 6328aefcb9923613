"""PyPI python-alipay-sdk: has no base URL, so its attribute `_gateway` is set."""

import json
import os
import time
import urllib.parse
import urllib.request

from alipay import AliPay, DCAliPay
from alipay.exceptions import AliPayException, AliPayValidationError

from harness import PATIENCE_S, Inbox, Simulator, addresses, fresh_number, raised, run, step

SUBJECT = '专业版 100% & "月付"'

(url,) = addresses()
simulator = Simulator(url)
credentials = simulator.credentials
seen = []


def fields_of(body):
    return dict(urllib.parse.parse_qsl(body, keep_blank_values=True))


def judge(_headers, body):
    fields = fields_of(body.decode())
    signature = fields.pop("sign")
    assert alipay.verify(fields, signature), "forged"
    seen.append(fields)
    return 200, "success"


inbox = Inbox(judge)
alipay = AliPay(
    appid=credentials["alipayAppId"],
    app_notify_url=inbox.url,
    app_private_key_string=credentials["alipayPrivateKey"],
    alipay_public_key_string=credentials["alipayPublicKey"],
)
alipay._gateway = f"{url}/gateway.do"
out_trade_no = fresh_number("FZ")
out_request_no = f"{out_trade_no}R1"


def query():
    return alipay.api_alipay_trade_query(out_trade_no=out_trade_no)


@step("orders")
def _():
    answer = alipay.api_alipay_trade_precreate(SUBJECT, out_trade_no, "49.90")
    assert answer["code"] == "10000", answer
    assert answer["qr_code"].startswith("https://qr.alipay.com/")


@step("queries a code that nobody scanned")
def _():
    assert query()["sub_code"] == "ACQ.TRADE_NOT_EXIST"


@step("checks the notice of the payment")
def _():
    simulator.pay(out_trade_no)
    inbox.expect_next()
    paid = seen[-1]
    assert (paid["out_trade_no"], paid["trade_status"]) == (out_trade_no, "TRADE_SUCCESS")
    assert (paid["total_amount"], paid["subject"]) == ("49.90", SUBJECT)
    simulator.await_receipts(out_trade_no, "TRADE_SUCCESS")


@step("queries a paid trade")
def _():
    answer = query()
    assert (answer["trade_status"], answer["total_amount"]) == ("TRADE_SUCCESS", "49.90")


@step("refunds")
def _():
    answer = alipay.api_alipay_trade_refund(
        "10.00", out_trade_no=out_trade_no, out_request_no=out_request_no, refund_reason="少发一件"
    )
    assert (answer["code"], answer["fund_change"], answer["refund_fee"]) == ("10000", "Y", "10.00"), answer


@step("checks the notice of the refund")
def _():
    inbox.expect_next()
    refunded = seen[-1]
    assert (refunded["out_biz_no"], refunded["refund_fee"]) == (out_request_no, "10.00")
    # A partial refund leaves the trade paid, so both notices have the same words.
    simulator.await_receipts(out_trade_no, "TRADE_SUCCESS", 2)


@step("queries the refund")
def _():
    answer = alipay.api_alipay_trade_fastpay_refund_query(out_request_no, out_trade_no=out_trade_no)
    assert (answer["refund_status"], answer["refund_amount"]) == ("REFUND_SUCCESS", "10.00"), answer


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
    assert certified.api_alipay_trade_query(out_trade_no=out_trade_no)["trade_status"] == "TRADE_SUCCESS"


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
    letter = simulator.forge(out_trade_no, signedBy="stranger", send=True)
    assert letter["answer"]["body"] == "fail"
    assert "forged" in str(inbox.refusal_of_next())
    altered = {**fields_of(simulator.forge(out_trade_no)["body"]), "total_amount": "0.01"}
    assert alipay.verify(altered, altered.pop("sign")) is False


def pay_in_browser(number, signed):
    with urllib.request.urlopen(f"{url}/gateway.do?{signed}", timeout=PATIENCE_S) as answer:
        page = answer.read().decode()
    simulator.pay(number)
    inbox.expect_next()
    assert seen[-1]["out_trade_no"] == number, page


@step("signs a payment page and is paid there")
def _():
    number = fresh_number("FZ")
    pay_in_browser(number, alipay.api_alipay_trade_page_pay(SUBJECT, number, "49.90"))


@step("defect: orders phone payments as QUICK_WAP_PAY, which does not exist; the right word can be given")
def _():
    number = fresh_number("FZ")

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
    fields = fields_of(simulator.forge(out_trade_no)["body"])
    signature = fields.pop("sign")
    assert alipay.verify(fields, signature)
    assert "sign_type" not in fields


@step("defect: raises instead of refusing when a notice names another sign_type")
def _():
    fields = {**fields_of(simulator.forge(out_trade_no)["body"]), "sign_type": "RSA"}
    error = raised(AliPayException, alipay.verify, fields, fields.pop("sign"))
    assert "Unknown sign type" in str(error)


@step("defect: sends local time, which Alipay refuses outside its time zone")
def _():
    os.environ["TZ"] = "UTC"
    time.tzset()
    try:
        answer = query()
    finally:
        os.environ["TZ"] = "Asia/Shanghai"
        time.tzset()
    assert answer["sub_code"] == "isv.invalid-timestamp"


run()
