"""PyPI wechatpayv3: has no base URL, so its attribute `_gate_way` is set, or held while its constructor downloads."""

import base64
import json

import wechatpayv3.core
from wechatpayv3 import WeChatPay, WeChatPayType

from harness import Inbox, Simulator, addresses, fresh_number, raised, run, step

REFUND_TAKES_MS = 60_000

public_key_url, certificate_url = addresses()


class CoreOfCertificates(wechatpayv3.core.Core):
    """The constructor asks for certificates at once, so the gateway cannot be set afterwards."""

    _gate_way = property(lambda self: certificate_url, lambda self, value: None)


class Journey:
    def __init__(self, name, url, **keys):
        self.name = name
        self.simulator = Simulator(url)
        credentials = self.simulator.credentials
        self.opened = []
        self.inbox = Inbox(self.judge)
        self.wxpay = WeChatPay(
            wechatpay_type=WeChatPayType.NATIVE,
            mchid=credentials["wechatMchId"],
            private_key=credentials["wechatPrivateKey"],
            cert_serial_no=credentials["wechatSerialNo"],
            apiv3_key=credentials["wechatApiV3Key"],
            appid=credentials["wechatAppId"],
            notify_url=self.inbox.url,
            **{ours: credentials[theirs] for ours, theirs in keys.items()},
        )
        self.wxpay._core._gate_way = url
        self.out_trade_no = fresh_number("PY")
        self.out_refund_no = f"{self.out_trade_no}R1"

    def named(self, what):
        return step(f"{self.name}: {what}")

    def judge(self, headers, body):
        notice = self.wxpay.callback(headers, body)
        assert notice, "forged"
        self.opened.append(notice)
        return 200, ""

    def order(self, out_trade_no):
        code, text = self.wxpay.pay(
            description='专业版 / 100% "月付" & more', out_trade_no=out_trade_no, amount={"total": 4990, "currency": "CNY"}
        )
        return code, json.loads(text)

    def query(self):
        code, text = self.wxpay.query(out_trade_no=self.out_trade_no)
        assert code == 200, text
        return json.loads(text)

    def forge(self, **alteration):
        letter = self.simulator.forge(self.out_trade_no, **alteration)
        return letter["headers"], letter["body"]

    def add_steps(self):
        self.add_journey()
        self.add_refusals()

    def add_journey(self):
        named = self.named

        @named("orders")
        def _():
            code, answer = self.order(self.out_trade_no)
            assert code == 200, answer
            assert answer["code_url"].startswith("weixin://wxpay/")

        @named("queries an unpaid order")
        def _():
            assert self.query()["trade_state"] == "NOTPAY"

        @named("opens the notice of the payment")
        def _():
            self.simulator.pay(self.out_trade_no)
            self.inbox.expect_next()
            notice = self.opened[-1]
            assert notice["event_type"] == "TRANSACTION.SUCCESS"
            assert notice["resource"]["out_trade_no"] == self.out_trade_no
            assert notice["resource"]["amount"]["total"] == 4990
            self.simulator.await_receipts(self.out_trade_no, "TRANSACTION.SUCCESS")

        @named("queries a paid order by either number")
        def _():
            transaction = self.query()
            assert transaction["trade_state"] == "SUCCESS"
            code, text = self.wxpay.query(transaction_id=transaction["transaction_id"])
            assert code == 200 and json.loads(text)["out_trade_no"] == self.out_trade_no

        @named("refunds")
        def _():
            code, text = self.wxpay.refund(
                out_refund_no=self.out_refund_no,
                out_trade_no=self.out_trade_no,
                reason="少发一件",
                amount={"refund": 1000, "total": 4990, "currency": "CNY"},
            )
            assert code == 200, text
            assert json.loads(text)["amount"]["refund"] == 1000

        @named("opens the notice of the refund")
        def _():
            self.simulator.advance(REFUND_TAKES_MS)
            self.inbox.expect_next()
            notice = self.opened[-1]
            assert notice["event_type"] == "REFUND.SUCCESS"
            assert notice["resource"]["out_refund_no"] == self.out_refund_no
            assert notice["resource"]["amount"]["refund"] == 1000
            self.simulator.await_receipts(self.out_trade_no, "REFUND.SUCCESS")

        @named("queries the refund")
        def _():
            code, text = self.wxpay.query_refund(self.out_refund_no)
            assert code == 200 and json.loads(text)["status"] == "SUCCESS", text

        @named("closes an order: 204 with a good signature over nothing")
        def _():
            other = fresh_number("PY")
            self.order(other)
            code, _text = self.wxpay.close(other)
            assert code == 204

    def add_refusals(self):
        named = self.named

        @named("refuses answers that are forged or probed")
        def _():
            for kind in ("badSignature", "probe"):
                self.simulator.fault(kind=kind, gateway="wechat", endpoint="query")
                assert "verify the signature" in str(raised(Exception, self.query))

        @named("refuses notices that are forged or probed")
        def _():
            for signed_by in ("stranger", "probe"):
                letter = self.simulator.forge(self.out_trade_no, signedBy=signed_by, send=True)
                assert letter["answer"]["status"] == 500
                assert "forged" in str(self.inbox.refusal_of_next())

        @named("refuses an altered ciphertext")
        def _():
            resource = json.loads(self.forge()[1])["resource"]
            altered = bytearray(base64.b64decode(resource["ciphertext"]))
            altered[0] ^= 1
            key = self.simulator.credentials["wechatApiV3Key"]
            opened = wechatpayv3.core.aes_decrypt(
                resource["nonce"], base64.b64encode(altered), resource["associated_data"], key
            )
            assert opened is None

        @named("defect: takes a notice of any age")
        def _():
            assert self.wxpay.callback(*self.forge(ageSeconds=24 * 60 * 60))


today = Journey("public key", public_key_url, public_key="wechatPublicKey", public_key_id="wechatPublicKeyId")
today.add_steps()


def in_certificate_mode(make):
    """Its own class is put back afterwards: the other client is of the package as it comes."""
    theirs = wechatpayv3.core.Core
    wechatpayv3.core.Core = CoreOfCertificates
    try:
        return make()
    finally:
        wechatpayv3.core.Core = theirs


before = in_certificate_mode(lambda: Journey("certificates", certificate_url))
before.add_steps()


@step("certificates: fetches the new one when WeChat Pay has changed it")
def _():
    assert len(before.wxpay._core._certificates) == 1
    before.simulator.fault(kind="rotate", gateway="wechat", endpoint="query")
    assert before.query()["out_trade_no"] == before.out_trade_no
    assert len(before.wxpay._core._certificates) == 2


@step("defect: dies of a public key's id while it knows certificates only")
def _():
    letter = today.forge()
    error = raised(ValueError, before.wxpay.callback, *letter)
    assert "0xPUB_KEY_ID" in str(error), error


@step("defect: cannot be made without a public key by a merchant who has no certificates")
def _():
    class CoreOfToday(wechatpayv3.core.Core):
        _gate_way = property(lambda self: public_key_url, lambda self, value: None)

    credentials = today.simulator.credentials
    error = raised(
        Exception,
        lambda: CoreOfToday(
            mchid=credentials["wechatMchId"],
            cert_serial_no=credentials["wechatSerialNo"],
            private_key=credentials["wechatPrivateKey"],
            apiv3_key=credentials["wechatApiV3Key"],
        ),
    )
    assert "No wechatpay platform certificate" in str(error), error


run()
