#!/usr/bin/env python3
"""Plays faults on a server with its simulator and tests deploy/alerts.yml on the metrics.

    scripts/alerts-test.py [PROGRAM [FAULT...]]    without a word target/release/tongqian and every fault of the table

Each fault is played for some seconds between two readings of /metrics. promtool then gets series that go on like that: a week
of sound traffic, then an hour and a half of the fault, counters growing each minute as they grew between the readings and
gauges as the second reading shows them. Exactly the alerts of the table must be raised at the end, and none by sound traffic;
every alert of the file must have a fault. The free space of a disk, which node_exporter measures, is written by hand.

Needs promtool (Debian: in the package prometheus) in PATH or as PROMTOOL, and openssl. Takes six minutes.
"""

import concurrent.futures
import datetime
import http.server
import json
import os
import re
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import typing
import urllib.error
from pathlib import Path

from tongqian_server import Process, call, start_simulator

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "deploy/alerts.yml"
KEY = "tq_alerts_0123456789abcdef"
WEEK = 7 * 24 * 60
SOUND_DISK_BYTES = 50_000_000_000
# promtool evaluates all rules at each step of the week. An alert waits for a quarter of an hour at most, or for a day.
STEP_MINUTES = 10


class Server:
    """A server in simulator mode, in a directory of its own."""

    def __init__(self, program, settings, keys=None):
        self.program = program
        self.directory = tempfile.TemporaryDirectory(prefix="tongqian-alerts-")
        self.simulator = None
        self.settings = {
            "LISTEN": "127.0.0.1:0",
            "METRICS_LISTEN": "127.0.0.1:0",
            "API_KEY": KEY,
            "API_RATE_PER_SECOND": "0",
            "LOG": "error",
        }
        self.settings |= self.gateways(keys) | settings
        # Python ignores the signal of a file that is too large, and so must the server whose disk is made full.
        self.process = Process(program, [], self.directory.name, self.settings, restore_signals=False)
        self.url = self.process.printed("Tongqian listens on ")
        base = self.simulator.base if self.simulator else self.process.printed("Simulated wallet at ").removesuffix("/wallet")
        self.wallet, self.control = f"{base}/wallet", f"{base}/_control"
        self.metrics = self.process.printed("Metrics at ")

    def gateways(self, keys):
        """Starts the gateways, unless they are in the server, and returns their settings."""
        if keys:
            shutil.copytree(keys, Path(self.directory.name) / "data/simulator")
        return {}

    def run(self, *arguments):
        """Runs a command of the program on the server's database."""
        command = [self.program, *arguments]
        return subprocess.run(command, cwd=self.directory.name, env=self.settings, capture_output=True, text=True)

    def api(self, method, path, body=None):
        return call(method, f"{self.url}/api/billing{path}", body, key=KEY)

    def play(self, *faults):
        self.steer("/faults", {"faults": list(faults)})

    def steer(self, path, body):
        status, answer = call("POST", self.control + path, body)
        assert status == 200, (path, status, answer)
        return json.loads(answer)

    def order(self):
        status, order = self.api("POST", "/orders", {"userId": "u1", "subject": "Team plan", "amount": 9990})
        assert status == 201, order
        return json.loads(order)

    def open(self, method):
        """Opens a payment, or None when the gateway does not take it."""
        body = {"orderId": self.order()["id"], "method": method}
        status, payment = self.api("POST", "/payments", body)
        return json.loads(payment) if status == 201 else None

    def pay(self, payment):
        call("POST", self.wallet, form={"code": payment["paymentUrl"], "act": "pay"})

    def wait(self, payment, status):
        for _ in range(400):
            found = json.loads(self.api("GET", f"/payments/{payment['id']}")[1])
            if found["status"] == status:
                return found
            time.sleep(0.1)
        raise SystemExit(f"{payment['paymentNo']} is {found['status']} and not {status}")

    def trade(self, n, methods=("wechat", "alipay")):
        """Payments that are opened and paid at once; some may be declined."""
        payments = [self.open(method) for method in methods for _ in range(n)]
        payments = [payment for payment in payments if payment]
        for payment in payments:
            self.pay(payment)
        return [self.wait(payment, "success") for payment in payments]

    def read(self):
        """Series of /metrics with their numbers."""
        try:
            text = call("GET", self.metrics)[1].decode()
        except urllib.error.URLError:
            return {}
        found = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, number = line.rsplit(" ", 1)
                found[name] = float(number)
        return found

    def stop(self):
        self.process.kill()
        if self.simulator:
            self.simulator.kill()
        self.directory.cleanup()


class LiveServer(Server):
    """A server with live gateways, which are a simulator in a process of its own."""

    def gateways(self, keys):
        self.simulator = start_simulator(self.program, self.directory.name, keys)
        return self.simulator.settings


class ServerOfEndingCertificate(Server):
    """A live server whose certificate of WeChat Pay ends within 30 days. The key and the serial number are the simulator's."""

    def gateways(self, keys):
        self.simulator = start_simulator(self.program, self.directory.name, keys, ["--wechat-keys", "certificate"])
        settings = self.simulator.settings
        pem = settings["WECHAT_PUBLIC_KEY"].strip('"').replace("\\n", "\n")
        serial = openssl("x509", "-noout", "-serial", given=pem).strip().removeprefix("serial=")
        key = str(keys / "certificate_a.pem")
        request = ["req", "-x509", "-key", key, "-set_serial", f"0x{serial}", "-days", "20", "-subj", "/O=Tenpay.com"]
        return settings | {"WECHAT_PUBLIC_KEY": openssl(*request)}


def openssl(*arguments, given=None):
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, text=True, check=True).stdout


def wait(condition, words):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.5)
    raise SystemExit(f"waited in vain for {words}")


def wait_for_incident(server, kind):
    wait(lambda: server.read().get(f'tongqian_incidents_open{{kind="{kind}"}}', 0) > 0, f"an incident {kind}")


def sound(server):
    server.trade(2)


def mute(server):
    server.play({"kind": "mute", "gateway": "wechat"})
    server.trade(2)


def forged_callbacks(server):
    server.play({"kind": "badSignature", "gateway": "wechat", "endpoint": "notice"})
    server.trade(3)


def late_callbacks(server):
    server.play({"kind": "delay", "ms": 65000, "gateway": "alipay"})
    server.trade(3)
    time.sleep(70)


def declined(server):
    server.play({"kind": "declined", "gateway": "wechat"})
    for _ in range(4):
        assert server.open("wechat") is None
    server.trade(2, ["alipay"])


def gateway_down(server):
    server.play({"kind": "resetBefore"})
    for _ in range(3):
        assert server.open("wechat") is None


def answers_not_signed(server):
    open_payment = server.open("alipay")
    server.play({"kind": "badSignature", "gateway": "alipay", "endpoint": "query"})
    for _ in range(3):
        server.api("POST", "/payments/query", {"paymentNo": open_payment["paymentNo"]})
        time.sleep(1.1)
    server.trade(1, ["wechat"])


def refund_stuck(server):
    paid = server.trade(1)[0]
    server.play({"kind": "notEnough"})
    server.api("POST", f"/payments/{paid['id']}/refund", {"reason": "test"})
    wait_for_incident(server, "refund_stuck")


def wrong_amount(server):
    payment = server.open("wechat")
    server.steer("/notice", {"outTradeNo": payment["paymentNo"], "set": {"total": 1, "payer_total": 1}, "send": True})
    wait_for_incident(server, "wrong_amount")


def refund_by_hand(server):
    paid = server.trade(1, ["alipay"])[0]
    server.steer("/refund-by-hand", {"outTradeNo": paid["paymentNo"]})
    wait_for_incident(server, "unknown_refund")


def clock_off(server):
    server.steer("/clock", {"advanceMs": 60000})
    server.trade(1)
    wait_for_incident(server, "clock_off")


def backup_failed(server):
    wait_for_incident(server, "backup_failed")


def dead_webhook(server):
    server.trade(2)
    time.sleep(7)


def full_disk(server):
    payment = server.open("wechat")
    resource.prlimit(server.process.child.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    server.pay(payment)
    for _ in range(3):
        assert server.api("POST", "/orders", {"userId": "u1", "subject": "Plan", "amount": 1})[0] == 503
    for _ in range(100):
        if call("GET", f"{server.url}/health/ready")[0] == 503:
            break
        time.sleep(0.2)
    time.sleep(15)


def stopped(server):
    server.process.kill()


def disk_fills(server):
    """Nothing happens to the server: the series of the disk fall."""


def gateway_slow(server):
    """In each round a program and a payer wait for answers, while the simulator does not run for four seconds."""
    payments = [server.open("wechat") for _ in range(3)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for payment in payments:
            token = server.order()["checkoutUrl"].rsplit("/")[-1]
            server.simulator.child.send_signal(signal.SIGSTOP)
            asked = pool.submit(server.api, "POST", "/payments/query", {"paymentNo": payment["paymentNo"]})
            opened = pool.submit(server.open, "wechat")
            chosen = pool.submit(call, "POST", f"{server.url}/ui/start_payment", form={"token": token, "method": "wechat"})
            time.sleep(4)
            server.simulator.child.send_signal(signal.SIGCONT)
            assert asked.result()[0] == 200 and opened.result() and chosen.result()[0] == 200


def database_locked(server):
    """Another program holds the write lock of the database while orders are made."""
    database = sqlite3.connect(Path(server.directory.name) / "data/tongqian.db", isolation_level=None)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for _ in range(3):
            database.execute("begin immediate")
            orders = [pool.submit(server.order) for _ in range(3)]
            time.sleep(2)
            database.execute("rollback")
            for order in orders:
                order.result()
    database.close()


def foreign_callback(server):
    payment = server.open("wechat")
    server.steer("/notice", {"outTradeNo": payment["paymentNo"], "set": {"mchid": "1900000001"}, "send": True})
    wait_for_incident(server, "foreign_notice")


def statement_differs(server):
    """A person brings a statement of the day that lacks its payment."""
    paid = server.trade(1, ["wechat"])[0]
    file = Path(server.directory.name) / "statement.csv"
    file.write_bytes(EMPTY_STATEMENT.replace("\n", "\r\n").encode())
    beijing = datetime.timezone(datetime.timedelta(hours=8))
    day = datetime.datetime.fromisoformat(paid["paidAt"].replace("Z", "+00:00")).astimezone(beijing).date()
    done = server.run("reconcile", "--day", str(day), "--gateway", "wechat", "--file", str(file))
    assert "missing_in_statement" in done.stdout, done.stdout + done.stderr
    wait_for_incident(server, "reconciliation_difference")


def certificate_ends(server):
    """The certificate is a setting of the server."""
    wait_for_incident(server, "key_expiring")


def slow_webhook(server):
    endpoint = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowEndpoint)
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{endpoint.server_port}/"
    status, answer = server.api("POST", "/webhook-endpoints", {"url": url, "events": ["order.created"]})
    assert status == 201, answer
    for _ in range(1100):
        server.order()
    wait(lambda: server.read().get("tongqian_webhook_backlog", 0) > 1000, "a backlog of webhooks")
    endpoint.shutdown()


def gateway_silent(server):
    for _ in range(3):
        server.open("wechat")
    server.play({"kind": "resetBefore", "gateway": "wechat"})
    wait_for_incident(server, "gateway_silent")


def orders_not_closed(server):
    """Orders expire, and the gateway is not there to close their payments."""
    for _ in range(3):
        server.open("wechat")
    server.play({"kind": "resetBefore", "gateway": "wechat"})
    wait(lambda: server.read().get('tongqian_overdue_seconds{queue="orders"}', 0) > 300, "an order that is overdue")


class SlowEndpoint(http.server.BaseHTTPRequestHandler):
    """A webhook endpoint that takes everything, and five seconds for each event."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(5)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


DISK = '{job="node",instance="one",device="/dev/vda",fstype="ext4",mountpoint="/"}'
# Headings of WeChat Pay's trade statement, no line, and the sums.
EMPTY_STATEMENT = """\
交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,\
微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注
总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额
`0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00
"""


class Fault(typing.NamedTuple):
    """A fault, the alerts that it raises, and the server that it is played on."""

    play: typing.Callable
    alerts: list
    settings: dict = {}
    server: type = Server
    minutes: int = 90
    disk_bytes_per_minute: int = 0


NOWHERE = {
    "WEBHOOK_URL": "http://127.0.0.1:9/hook",
    "WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
BLOCKED = {"BACKUP_DIR": "/dev/null/backups", "BACKUP_CRON": "* * * * * *"}
SHORT = {"PAYMENT_TTL_MINUTES": "0.2", "ORDER_TTL_MINUTES": "0.2"}
DAY_MINUTES = 24 * 60
TABLE = [
    Fault(sound, []),
    Fault(mute, ["TongqianNoCallbacks"]),
    Fault(forged_callbacks, ["TongqianCallbacksNotBelieved"]),
    Fault(late_callbacks, ["TongqianCallbacksLate"]),
    Fault(declined, ["TongqianPaymentsDeclined", "TongqianSuccessRateFell"]),
    Fault(gateway_down, ["TongqianGatewayUnknown"]),
    Fault(answers_not_signed, ["TongqianGatewayUnknown"]),
    Fault(gateway_slow, ["TongqianGatewaySlow"], server=LiveServer),
    Fault(refund_stuck, ["TongqianRefundsStuck"]),
    Fault(wrong_amount, ["TongqianMoneyDoubtful"]),
    Fault(refund_by_hand, ["TongqianMoneyDoubtful"]),
    Fault(foreign_callback, ["TongqianIncidentsOpen"], minutes=DAY_MINUTES + 60),
    Fault(statement_differs, ["TongqianBooksDiffer"], server=LiveServer),
    Fault(certificate_ends, ["TongqianCertificateEnds"], server=ServerOfEndingCertificate),
    Fault(clock_off, ["TongqianClockOff"]),
    Fault(backup_failed, ["TongqianBackupFailed"], BLOCKED),
    Fault(dead_webhook, ["TongqianWebhooksFail"], NOWHERE),
    Fault(slow_webhook, ["TongqianWebhookBacklog"]),
    Fault(database_locked, ["TongqianSlow"]),
    Fault(full_disk, ["TongqianCallbacksFail", "TongqianJobFails", "TongqianNotReady", "TongqianServerErrors"]),
    Fault(disk_fills, ["TongqianDiskFills"], minutes=DAY_MINUTES // 4, disk_bytes_per_minute=-100_000_000),
    Fault(stopped, ["TongqianDown"]),
    # Outages of three and of five minutes, which begin first.
    Fault(gateway_silent, ["TongqianGatewaySilent", "TongqianGatewayUnknown"]),
    Fault(orders_not_closed, ["TongqianGatewaySilent", "TongqianGatewayUnknown", "TongqianQueueOverdue"], SHORT),
]


def make_keys(program, keys):
    """Makes the keys of the simulator once: it takes seconds, and every server may have the same."""
    server = Server(program, {})
    shutil.copytree(Path(server.directory.name) / "data/simulator", keys, ignore=shutil.ignore_patterns("*.json"))
    server.stop()
    return keys


def record(program, fault, keys):
    """Readings at the start, after sound traffic, and after the fault."""
    server = fault.server(program, fault.settings, keys)
    try:
        readings = [server.read()]
        server.trade(1)
        readings.append(server.read())
        fault.play(server)
        readings.append(server.read())
        return readings
    finally:
        server.stop()


def is_counter(series):
    return re.match(r"\w+?_(total|bucket|sum|count)\b", series) is not None


def series_of(readings, fault):
    """Each series with the values of a week and of the fault, a minute apart."""
    begun, sound_end, end = readings
    minutes = fault.minutes
    yield 'up{job="tongqian",instance="one"}', f"1x{WEEK} {1 if end else 0}x{minutes}"
    disk = f"{SOUND_DISK_BYTES}x359 {SOUND_DISK_BYTES}{fault.disk_bytes_per_minute:+}x{minutes}"
    yield f"node_filesystem_avail_bytes{DISK}", f"_x{WEEK - 360} {disk}"
    names = sound_end if not end else {name: sound_end.get(name, 0) for name in sound_end | end}
    for name, number in names.items():
        labelled = name if "{" in name else name + "{}"
        labelled = re.sub(r"\bjob=", "exported_job=", labelled)
        labelled = labelled.replace("{", '{job="tongqian",instance="one",', 1).replace(",}", "}")
        if name not in end:
            yield labelled, f"{number}x{WEEK}"
        elif is_counter(name):
            per_minute = number - begun.get(name, 0)
            after = end[name] - number
            reached = number + per_minute * WEEK
            grown = f"{reached + after}{after:+}x{minutes - 1}"
            # A week of every series would take promtool minutes: only this one is compared with it.
            if name.startswith("tongqian_payments_total"):
                yield labelled, f"{number}{per_minute:+}x{WEEK - 1} {grown}"
            else:
                hour = f"{number + per_minute * (WEEK - 60)}{per_minute:+}x59"
                yield labelled, f"_x{WEEK - 60} {hour} {grown}"
        else:
            yield labelled, f"_x{WEEK - 60} {number}x59 {end[name]}x{minutes}"


def alerts():
    return re.findall(r"- alert: (\w+)", RULES.read_text())


def write_test(path, readings, fault):
    series = [{"series": name, "values": values} for name, values in series_of(readings, fault)]
    test = {"rule_files": [str(RULES)], "evaluation_interval": f"{STEP_MINUTES}m", "tests": [{"interval": "1m", "input_series": series}]}
    at = f"{WEEK + fault.minutes - STEP_MINUTES}m"
    checks = [{"eval_time": at, "alertname": name, "exp_alerts": []} for name in alerts()]
    test["tests"][0]["alert_rule_test"] = checks
    # JSON is YAML.
    path.write_text(json.dumps(test))


def raised(promtool, readings, fault):
    """Names of the alerts that promtool finds where none is expected."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "test.yml"
        write_test(path, readings, fault)
        done = subprocess.run([promtool, "test", "rules", str(path)], capture_output=True, text=True)
    said = done.stdout + done.stderr
    found = sorted(set(re.findall(r"alertname: (\w+), time", said)))
    assert found or done.returncode == 0, said
    return found


def main():
    program = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/tongqian")
    promtool = os.environ.get("PROMTOOL", "promtool")
    subprocess.run([promtool, "check", "rules", str(RULES)], check=True, stdout=subprocess.DEVNULL)
    never_raised = set(alerts()) - {name for fault in TABLE for name in fault.alerts}
    if never_raised:
        sys.exit(f"no fault raises {', '.join(sorted(never_raised))}")
    named = sys.argv[2:]
    faults = [fault for fault in TABLE if not named or fault.play.__name__ in named]
    n_failed = 0
    directory = tempfile.TemporaryDirectory()
    keys = make_keys(program, Path(directory.name) / "simulator")

    def run(fault):
        return raised(promtool, record(program, fault, keys), fault)

    with directory, concurrent.futures.ThreadPoolExecutor(6) as pool:
        runs = [pool.submit(run, fault) for fault in reversed(faults)]
        for fault, done in zip(faults, reversed(runs)):
            # A fault that cannot be played is one that failed, and the others go on.
            problem = done.exception()
            found = [str(problem)] if problem else done.result()
            is_right = found == sorted(fault.alerts)
            n_failed += not is_right
            word = "ok" if is_right else "WRONG"
            print(f"{word}\t{fault.play.__name__}: {', '.join(found) or 'no alert'}", flush=True)
    print(f"{len(faults) - n_failed} passed, {n_failed} failed")
    sys.exit(n_failed > 0)


if __name__ == "__main__":
    main()
