"""PyPI alipay-sdk-python (the official one): has a server URL but drops its port, so its connections are led there."""

import hashlib
import html
import http.client
import json
import re
import types
import urllib.parse
import urllib.request

import rsa
from alipay.aop.api.AlipayClientConfig import AlipayClientConfig
from alipay.aop.api.DefaultAlipayClient import DefaultAlipayClient
from alipay.aop.api.exception.Exception import RequestException, ResponseException
from alipay.aop.api.request.AlipayTradeFastpayRefundQueryRequest import AlipayTradeFastpayRefundQueryRequest
from alipay.aop.api.request.AlipayTradePagePayRequest import AlipayTradePagePayRequest
from alipay.aop.api.request.AlipayTradePrecreateRequest import AlipayTradePrecreateRequest
from alipay.aop.api.request.AlipayTradeQueryRequest import AlipayTradeQueryRequest
from alipay.aop.api.request.AlipayTradeRefundRequest import AlipayTradeRefundRequest
from alipay.aop.api.util import SignatureUtils, WebUtils
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import load_pem_x509_certificate, load_pem_x509_certificates

from harness import PATIENCE_S, SUBJECT, AlipayTrade, Simulator, addresses, raised, run, step

(url,) = addresses()
simulator = Simulator(url)
address = urllib.parse.urlsplit(url)
credentials = simulator.credentials
last_raw = None


class ToSimulator(http.client.HTTPConnection):
    def __init__(self, host, port, timeout):
        assert port == 80, "it never takes the port of its server URL"
        super().__init__(host, address.port, timeout=timeout)

    def getresponse(self):
        response = super().getresponse()
        read = response.read

        def keep(*arguments):
            global last_raw
            last_raw = read(*arguments)
            return last_raw

        response.read = keep
        return response


WebUtils.httplib = types.SimpleNamespace(HTTPConnection=ToSimulator)


def client_of(**changes):
    key = load_pem_private_key(credentials["alipayPrivateKey"].encode(), password=None)
    pkcs1 = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    config = AlipayClientConfig()
    config.server_url = f"http://{address.hostname}/gateway.do"
    config.app_id = credentials["alipayAppId"]
    config.app_private_key = pkcs1.decode()
    config.alipay_public_key = credentials["alipayPublicKey"]
    for name, value in changes.items():
        setattr(config, name, value)
    return DefaultAlipayClient(config)


client = client_of()


def is_signed(fields):
    """It has no function for notices, only the parts of one; a bad signature is an exception."""
    signed = {name: value for name, value in fields.items() if name not in ("sign", "sign_type")}
    content = SignatureUtils.get_sign_content(signed).encode()
    return SignatureUtils.verify_with_rsa(credentials["alipayPublicKey"], content, fields["sign"])


def check(fields):
    assert is_signed(fields)


trade = AlipayTrade(simulator, "AP", check)


def call(request, notify_url=None, client=client, **biz):
    request.biz_content = biz
    request.notify_url = notify_url
    return json.loads(client.execute(request))


def order(number, amount):
    request = AlipayTradePrecreateRequest()
    return call(request, trade.inbox.url, out_trade_no=number, total_amount=amount, subject=SUBJECT)


def query(**changes):
    return call(AlipayTradeQueryRequest(), out_trade_no=trade.number, **changes)


def refund(amount, reason):
    return call(
        AlipayTradeRefundRequest(),
        out_trade_no=trade.number,
        out_request_no=trade.request_number,
        refund_amount=amount,
        refund_reason=reason,
    )


def query_refund():
    request = AlipayTradeFastpayRefundQueryRequest()
    return call(request, out_trade_no=trade.number, out_request_no=trade.request_number)


trade.walk(order=order, query=query, refund=refund, query_refund=query_refund)


@step("refuses a forged answer")
def _():
    simulator.fault(kind="badSignature", gateway="alipay", endpoint="query")
    assert "sign verify failed" in str(raised(ResponseException, query))


@step("refuses a notice that somebody else signed, or that was altered")
def _():
    assert isinstance(trade.refusal_of_a_stranger(), rsa.VerificationError)
    raised(rsa.VerificationError, is_signed, trade.genuine_fields(total_amount="0.01"))


ported = client_of(server_url=f"{url}/gateway.do")


def signed_page(number, subject, http_method):
    request = AlipayTradePagePayRequest()
    request.notify_url = trade.inbox.url
    request.biz_content = {
        "out_trade_no": number,
        "total_amount": "49.90",
        "subject": subject,
        "product_code": "FAST_INSTANT_TRADE_PAY",
    }
    return ported.page_execute(request, http_method)


def open_in_browser(location, data=None):
    with urllib.request.urlopen(location, data, timeout=PATIENCE_S) as answer:
        return answer.read().decode()


def submit(form):
    """What a browser makes of the form that sends itself."""
    fields = re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)"', form)
    data = urllib.parse.urlencode([(name, html.unescape(value)) for name, value in fields])
    return open_in_browser(re.search(r' action="(.*?)"', form)[1], data.encode())


@step("signs a payment page, as an address and as a form, and is paid there")
def _():
    for http_method, open_page in (("GET", open_in_browser), ("POST", submit)):
        number = trade.fresh_number()
        open_page(signed_page(number, SUBJECT, http_method))
        simulator.pay(number)
        trade.inbox.expect_next()
        assert trade.seen[-1]["out_trade_no"] == number


@step("defect: a form with a character reference in a text arrives altered")
def _():
    assert "isv.invalid-signature" in submit(signed_page(trade.fresh_number(), "A &quot;B&quot;", "POST"))


@step("defect: cannot be given a server URL with a port")
def _():
    assert "concatenate str" in str(raised(TypeError, lambda: query(client=ported)))


@step("defect: takes a private key as PKCS#1 only")
def _():
    pkcs8 = client_of(app_private_key=credentials["alipayPrivateKey"])
    assert "request sign failed" in str(raised(RequestException, lambda: query(client=pkcs8)))


def serial_of(pem):
    return serial(load_pem_x509_certificate(pem.encode()))


def serial_of_roots(pem):
    is_rsa = lambda root: root.signature_algorithm_oid.dotted_string.startswith("1.2.840.113549.1.1")
    return "_".join(serial(root) for root in load_pem_x509_certificates(pem.encode()) if is_rsa(root))


def serial(certificate):
    """What Alipay names a certificate by; the SDK knows no certificates."""
    issuer = certificate.issuer.rfc4514_string()
    return hashlib.md5(f"{issuer}{certificate.serial_number}".encode()).hexdigest()


def parsed(raw):
    return client._DefaultAlipayClient__parse_response(raw.encode())


@step("defect: refuses the answers of certificate mode, for their alipay_cert_sn")
def _():
    request = AlipayTradeQueryRequest()
    request.add_other_text_param("app_cert_sn", serial_of(credentials["alipayAppCert"]))
    request.add_other_text_param("alipay_root_cert_sn", serial_of_roots(credentials["alipayRootCert"]))
    error = raised(ResponseException, lambda: call(request, out_trade_no=trade.number))
    assert "response shape maybe illegal" in str(error), error
    assert json.loads(last_raw)["alipay_trade_query_response"]["code"] == "10000"
    assert "alipay_cert_sn" in json.loads(last_raw)


@step("defect: refuses a good answer whose signature comes first")
def _():
    query()
    good = last_raw.decode()
    node, sign = good[1:-1].split(',"sign":')
    sign_first = f'{{"sign":{sign},{node}}}'
    assert json.loads(sign_first) == json.loads(good)
    raised(ResponseException, parsed, sign_first)


@step("defect: believes a signed answer to another method")
def _():
    query()
    answer = last_raw.decode()

    class Replayed(ToSimulator):
        def getresponse(self):
            response = super().getresponse()
            response.read = answer.encode
            return response

    WebUtils.httplib.HTTPConnection = Replayed
    try:
        refund = call(AlipayTradeRefundRequest(), out_trade_no=trade.fresh_number(), refund_amount="49.90")
    finally:
        WebUtils.httplib.HTTPConnection = ToSimulator
    assert (refund["code"], refund["trade_status"]) == ("10000", "TRADE_SUCCESS")


@step("defect: ends in a TypeError when the gateway answers 502")
def _():
    simulator.fault(kind="html502", gateway="alipay", endpoint="query")
    assert "concatenate str" in str(raised(TypeError, query))


@step("defect: sends local time, which Alipay refuses outside its time zone")
def _():
    trade.expect_time_zone_refused(query)


run()
