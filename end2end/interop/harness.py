"""What the Python drivers share: steps that report themselves, the simulator's control page, an inbox for notices."""

import http.server
import json
import queue
import random
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request

PATIENCE_S = 10

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


def addresses():
    return sys.argv[1:]
