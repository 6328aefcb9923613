"""epay-sdk 0.4.1, unmodified, against a server with EPAY=on: an order, its payment, the notification, the query."""

import http.server
import queue
import re
import sys
import threading
import time
import urllib.parse
import warnings

import requests
from epay_sdk import CreateOrderRequest, EPayClient, EPayConfig, PayType, QueryOrderRequest

from harness import fresh_number, run, step

SERVER, WALLET, PID, KEY = sys.argv[1:5]
PATIENCE_S = 30
NAME = '专业版 100% + "月付" & more'

warnings.simplefilter("ignore")
client = EPayClient(EPayConfig(pid=PID, key=KEY, base_url=SERVER))
heard = queue.Queue()
number = fresh_number("py")


class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        heard.put(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query, keep_blank_values=True)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"success")

    def log_message(self, *_):
        pass


shop = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
threading.Thread(target=shop.serve_forever, daemon=True).start()
order = CreateOrderRequest(
    out_trade_no=number,
    name=NAME,
    money="9.9",
    notify_url=f"http://127.0.0.1:{shop.server_port}/notify",
    return_url="https://shop.example/thanks",
    pay_type=PayType.ALIPAY.value,
    sitename="店铺",
    param="a=1&b=2",
)


@step("its order leads to our page with the code")
def _():
    page = client.create_order(order)
    assert 'data-state="waiting"' in page, page[:500]


@step("its link leads to the same page")
def _():
    page = requests.get(client.create_order_url(order), timeout=30)
    assert page.status_code == 200 and "/checkout/" in page.url, page.url


@step("it reads an unpaid order")
def _():
    found = client.parse_query_result(client.query_order(QueryOrderRequest(out_trade_no=number)))
    assert found.query_ok and not found.paid and found.order_no == number, found


@step("it verifies the notification of the payment")
def _():
    page = client.create_order(order)
    code = re.search(re.escape(WALLET) + r"\?code=([^\"&]+)", page)
    assert code, "no code on the page"
    paid = requests.post(WALLET, data={"code": urllib.parse.unquote(code[1]), "act": "pay"}, timeout=30)
    assert paid.status_code == 200, paid.text
    told = client.verify_callback(heard.get(timeout=PATIENCE_S))
    assert (told.out_trade_no, told.name, told.attach) == (number, NAME, "a=1&b=2"), told
    assert client.is_trade_success({"trade_status": told.trade_status})


@step("it reads a paid order")
def _():
    begun = time.monotonic()
    while True:
        found = client.parse_query_result(client.query_order(QueryOrderRequest(out_trade_no=number)))
        if found.paid:
            break
        assert time.monotonic() - begun < PATIENCE_S, found
        time.sleep(0.2)
    assert found.query_ok and str(found.amount) in ("9.90", "9.9"), found


run()
