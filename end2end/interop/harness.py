"""What the Python drivers share: steps that report themselves, the simulator's control page, an inbox for notices."""

import contextlib
import http.server
import json
import os
import queue
import random
import sys
import threading
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

PATIENCE_S = 10
SUBJECT = '专业版 100% + "月付"'

_steps = []


def step(name):
    """A part of the journey; steps run in the order in which they are written."""

    def keep(function):
        _steps.append((name, function))
        return function

    return keep


def run():
    for name, function in _steps:
        report = {"step": name}
        try:
            function()
        except Exception:
            report["error"] = traceback.format_exc()
        print(json.dumps(report), flush=True)
    print(json.dumps({"finished": True}), flush=True)


def fresh_number(prefix):
    """A number both gateways take."""
    return f"{prefix}{time.time_ns() // 1_000_000}{random.randrange(10**6):06}"


def raised(kind, function, *arguments):
    """The error of this very kind that the call ends with."""
    try:
        answer = function(*arguments)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}, but {answer!r}")


class Simulator:
    def __init__(self, url):
        self.url = url
        self.credentials = self._call("GET", "/credentials")

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_control{path}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()}") from error

    def pay(self, out_trade_no):
        self._call("POST", "/pay", {"outTradeNo": out_trade_no})

    def advance(self, ms):
        self._call("POST", "/clock", {"advanceMs": ms})

    def fault(self, **fault):
        self._call("POST", "/faults", {"times": 1, **fault})

    def forge(self, out_trade_no, **alteration):
        """A signed notice that was never sent, altered as asked."""
        return self._call("POST", "/notice", {"outTradeNo": out_trade_no, **alteration})

    def await_receipts(self, out_trade_no, about, n_notices=1):
        """Waits until the merchant's answers were counted as receipts: of so many notices with these words."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            notices = self._call("GET", "/books")["notices"]
            ours = [n for n in notices if (n["outTradeNo"], n["about"]) == (out_trade_no, about)]
            if sum(notice["acknowledged"] for notice in ours) >= n_notices:
                return
            assert time.monotonic() < deadline, f"not {n_notices} receipts for {about}: {notices}"
            time.sleep(0.02)


class Inbox:
    """The merchant's side of notices: `judge(headers, body)` returns status and text, or raises to refuse."""

    def __init__(self, judge):
        self._letters = queue.Queue()
        letters = self._letters

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                refusal = None
                try:
                    status, text = judge(self.headers, body)
                except Exception as error:
                    status, text, refusal = 500, "fail", error
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())
                letters.put(refusal)

            def log_message(self, *_):
                """Standard output belongs to the reports."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{server.server_port}/notify"

    def refusal_of_next(self):
        """None when the next notice was taken."""
        try:
            return self._letters.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise AssertionError("no notice came") from None

    def expect_next(self):
        refusal = self.refusal_of_next()
        if refusal is not None:
            raise refusal


class AlipayTrade:
    """One trade from its order to its refund. `check(fields)` raises unless Alipay signed these fields of a notice."""

    def __init__(self, simulator, prefix, check):
        self._simulator = simulator
        self._prefix = prefix
        self.number = self.fresh_number()
        self.request_number = f"{self.number}R1"
        self.seen = []

        def judge(_headers, body):
            fields = fields_of(body.decode())
            check(dict(fields))
            self.seen.append(fields)
            return 200, "success"

        self.inbox = Inbox(judge)

    def fresh_number(self):
        return fresh_number(self._prefix)

    def walk(self, order, query, refund, query_refund):
        """The steps of every SDK, by its own calls; each returns the answer's node."""

        @step("orders")
        def _():
            answer = order(self.number, "49.90")
            assert answer["code"] == "10000", answer
            assert answer["qr_code"].startswith("https://qr.alipay.com/")

        @step("queries a code that nobody scanned")
        def _():
            assert query()["sub_code"] == "ACQ.TRADE_NOT_EXIST"

        @step("checks the notice of the payment")
        def _():
            self._simulator.pay(self.number)
            self.inbox.expect_next()
            paid = self.seen[-1]
            assert (paid["out_trade_no"], paid["trade_status"]) == (self.number, "TRADE_SUCCESS")
            assert (paid["total_amount"], paid["subject"]) == ("49.90", SUBJECT)
            self._simulator.await_receipts(self.number, "TRADE_SUCCESS")

        @step("queries a paid trade")
        def _():
            answer = query()
            assert (answer["trade_status"], answer["total_amount"]) == ("TRADE_SUCCESS", "49.90")

        @step("refunds")
        def _():
            answer = refund("10.00", "少发一件")
            said = answer["code"], answer["fund_change"], answer["refund_fee"]
            assert said == ("10000", "Y", "10.00"), answer

        @step("checks the notice of the refund")
        def _():
            self.inbox.expect_next()
            refunded = self.seen[-1]
            assert (refunded["out_biz_no"], refunded["refund_fee"]) == (self.request_number, "10.00")
            # A partial refund leaves the trade paid, so both notices have the same words.
            self._simulator.await_receipts(self.number, "TRADE_SUCCESS", 2)

        @step("queries the refund")
        def _():
            answer = query_refund()
            said = answer["refund_status"], answer["refund_amount"]
            assert said == ("REFUND_SUCCESS", "10.00"), answer

    def refusal_of_a_stranger(self):
        """What becomes of a notice that somebody else signed."""
        letter = self._simulator.forge(self.number, signedBy="stranger", send=True)
        assert letter["answer"]["body"] == "fail"
        return self.inbox.refusal_of_next()

    def genuine_fields(self, **changes):
        """The fields of a signed notice, some of them altered afterwards."""
        return {**fields_of(self._simulator.forge(self.number)["body"]), **changes}

    def expect_time_zone_refused(self, query):
        """Alipay takes Beijing's time only, and the SDK sends the machine's."""
        with time_zone("UTC"):
            answer = query()
        assert answer["sub_code"] == "isv.invalid-timestamp"


def fields_of(body):
    return dict(urllib.parse.parse_qsl(body, keep_blank_values=True))


@contextlib.contextmanager
def time_zone(name):
    before = os.environ["TZ"]
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        os.environ["TZ"] = before
        time.tzset()


def addresses():
    return sys.argv[1:]
