#!/usr/bin/env python3
"""Plays faults on a server with its simulator and tests deploy/alerts.yml on the metrics: scripts/alerts-test.py [PROGRAM]

Each fault is played for some seconds between two readings of /metrics. promtool then gets series that go on like that: a week
of sound traffic, then an hour and a half of the fault, counters growing each minute as they grew between the readings and
gauges as the second reading shows them. Exactly the alerts of the table must be raised at the end, and none by sound traffic.

Needs promtool (Debian: in the package prometheus) in PATH or as PROMTOOL. PROGRAM is target/release/tongqian without a word.
"""

import concurrent.futures
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
from pathlib import Path

from tongqian_server import Process, call

ROOT = Path(__file__).resolve().parent.parent
RULES = ROOT / "deploy/alerts.yml"
KEY = "tq_alerts_0123456789abcdef"
WEEK = 7 * 24 * 60
FAULT_MINUTES = 90
# promtool evaluates all rules at each step of the week. No alert waits for less than a step and more than 15 minutes.
STEP_MINUTES = 10


class Server:
    """A server in simulator mode, in a directory of its own."""

    def __init__(self, program, settings, keys=None):
        self.directory = tempfile.TemporaryDirectory(prefix="tongqian-alerts-")
        if keys:
            shutil.copytree(keys, Path(self.directory.name) / "data/simulator")
        fixed = {
            "LISTEN": "127.0.0.1:0",
            "METRICS_LISTEN": "127.0.0.1:0",
            "API_KEY": KEY,
            "API_RATE_PER_SECOND": "0",
            "LOG": "error",
        }
        # Python ignores the signal of a file that is too large, and so must the server whose disk is made full.
        self.process = Process(program, [], self.directory.name, fixed | settings, restore_signals=False)
        self.url = self.process.printed("Tongqian listens on ")
        self.wallet = self.process.printed("Simulated wallet at ")
        self.metrics = self.process.printed("Metrics at ")
        self.control = self.wallet.replace("/wallet", "/_control")

    def api(self, method, path, body=None):
        return call(method, f"{self.url}/api/billing{path}", body, key=KEY)

    def play(self, *faults):
        self.steer("/faults", {"faults": list(faults)})

    def steer(self, path, body):
        status, answer = call("POST", self.control + path, body)
        assert status == 200, (path, status, answer)
        return json.loads(answer)

    def open(self, method):
        """Opens a payment, or None when the gateway does not take it."""
        status, order = self.api("POST", "/orders", {"userId": "u1", "subject": "Team plan", "amount": 9990})
        assert status == 201, order
        body = {"orderId": json.loads(order)["id"], "method": method}
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
        self.directory.cleanup()


def wait_for_incident(server, kind):
    for _ in range(600):
        if server.read().get(f'tongqian_incidents_open{{kind="{kind}"}}', 0) > 0:
            return
        time.sleep(0.5)
    raise SystemExit(f"no incident {kind}")


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
    resource.prlimit(server.process.child.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    for _ in range(3):
        assert server.api("POST", "/orders", {"userId": "u1", "subject": "Plan", "amount": 1})[0] == 503
    for _ in range(100):
        if call("GET", f"{server.url}/health/ready")[0] == 503:
            break
        time.sleep(0.2)
    time.sleep(15)


def stopped(server):
    server.process.kill()


# Fault, settings of its server, alerts.
NOWHERE = {
    "WEBHOOK_URL": "http://127.0.0.1:9/hook",
    "WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}
BLOCKED = {"BACKUP_DIR": "/dev/null/backups", "BACKUP_CRON": "* * * * * *"}
TABLE = [
    (sound, {}, []),
    (mute, {}, ["TongqianNoCallbacks"]),
    (forged_callbacks, {}, ["TongqianCallbacksNotBelieved"]),
    (late_callbacks, {}, ["TongqianCallbacksLate"]),
    (declined, {}, ["TongqianPaymentsDeclined", "TongqianSuccessRateFell"]),
    (gateway_down, {}, ["TongqianGatewayUnknown"]),
    (answers_not_signed, {}, ["TongqianGatewayUnknown"]),
    (refund_stuck, {}, ["TongqianRefundsStuck"]),
    (wrong_amount, {}, ["TongqianMoneyDoubtful"]),
    (refund_by_hand, {}, ["TongqianMoneyDoubtful"]),
    (clock_off, {}, ["TongqianClockOff"]),
    (backup_failed, BLOCKED, ["TongqianBackupFailed"]),
    (dead_webhook, NOWHERE, ["TongqianWebhooksFail"]),
    (full_disk, {}, ["TongqianJobFails", "TongqianNotReady", "TongqianServerErrors"]),
    (stopped, {}, ["TongqianDown"]),
]


def make_keys(program, keys):
    """Makes the keys of the simulator once: it takes seconds, and every server may have the same."""
    server = Server(program, {})
    shutil.copytree(Path(server.directory.name) / "data/simulator", keys, ignore=shutil.ignore_patterns("*.json"))
    server.stop()
    return keys


def record(program, play, settings, keys):
    """Readings at the start, after sound traffic, and after the fault."""
    server = Server(program, settings, keys)
    try:
        readings = [server.read()]
        server.trade(1)
        readings.append(server.read())
        play(server)
        readings.append(server.read())
        return readings
    finally:
        server.stop()


def is_counter(series):
    return re.match(r"\w+?_(total|bucket|sum|count)\b", series) is not None


def series_of(readings):
    """Each series with the values of a week and of the fault, a minute apart."""
    begun, sound_end, end = readings
    yield 'up{job="tongqian",instance="one"}', f"1x{WEEK} {1 if end else 0}x{FAULT_MINUTES}"
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
            fault = f"{reached + after}{after:+}x{FAULT_MINUTES - 1}"
            # A week of every series would take promtool minutes: only this one is compared with it.
            if name.startswith("tongqian_payments_total"):
                yield labelled, f"{number}{per_minute:+}x{WEEK - 1} {fault}"
            else:
                hour = f"{number + per_minute * (WEEK - 60)}{per_minute:+}x59"
                yield labelled, f"_x{WEEK - 60} {hour} {fault}"
        else:
            yield labelled, f"_x{WEEK - 60} {number}x59 {end[name]}x{FAULT_MINUTES}"


def alerts():
    return re.findall(r"- alert: (\w+)", RULES.read_text())


def write_test(path, readings):
    series = [{"series": name, "values": values} for name, values in series_of(readings)]
    test = {"rule_files": [str(RULES)], "evaluation_interval": f"{STEP_MINUTES}m", "tests": [{"interval": "1m", "input_series": series}]}
    at = f"{WEEK + FAULT_MINUTES - STEP_MINUTES}m"
    checks = [{"eval_time": at, "alertname": name, "exp_alerts": []} for name in alerts()]
    test["tests"][0]["alert_rule_test"] = checks
    # JSON is YAML.
    path.write_text(json.dumps(test))


def raised(promtool, readings):
    """Names of the alerts that promtool finds where none is expected."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "test.yml"
        write_test(path, readings)
        done = subprocess.run([promtool, "test", "rules", str(path)], capture_output=True, text=True)
    said = done.stdout + done.stderr
    found = sorted(set(re.findall(r"alertname: (\w+), time", said)))
    assert found or done.returncode == 0, said
    return found


def main():
    program = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/release/tongqian")
    promtool = os.environ.get("PROMTOOL", "promtool")
    subprocess.run([promtool, "check", "rules", str(RULES)], check=True, stdout=subprocess.DEVNULL)
    n_failed = 0
    directory = tempfile.TemporaryDirectory()
    keys = make_keys(program, Path(directory.name) / "simulator")

    def run(row):
        play, settings, _ = row
        return raised(promtool, record(program, play, settings, keys))

    with directory, concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(run, row) for row in TABLE]
        for (play, _, expected), done in zip(TABLE, runs):
            found = done.result()
            is_right = found == sorted(expected)
            n_failed += not is_right
            word = "ok" if is_right else "WRONG"
            print(f"{word}\t{play.__name__}: {', '.join(found) or 'no alert'}", flush=True)
    print(f"{len(TABLE) - n_failed} passed, {n_failed} failed")
    sys.exit(n_failed > 0)


if __name__ == "__main__":
    main()
