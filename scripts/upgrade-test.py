#!/usr/bin/env python3
"""An upgrade without a pause: runs an older server beside a newer one on one PostgreSQL database, with traffic.

    scripts/upgrade-test.py OLD NEW DATABASE_URL

OLD and NEW are programs, or commits that are built first (in worktrees under target/upgrade, dev profile). The database must be
new: `scripts/postgres.sh start DIR` gives one. The older server serves alone, then both, then the newer one alone. Orders are
made, paid and refunded at either server all the time; each request must succeed, every payment and refund must end, and the
invariants must hold. An older program that is started anew refuses the newer schema, so it does not come back here.
"""

import base64
import collections
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tongqian_server import Process, call, start_simulator

ROOT = Path(__file__).resolve().parent.parent
KEY = "tq_upgrade_0123456789abcdef"
N_PROGRAMS = 4
PHASE_SECONDS = 8
PATIENCE_SECONDS = 180


def program_of(name):
    if os.access(name, os.X_OK) and not os.path.isdir(name):
        return os.path.abspath(name)
    commit = subprocess.check_output(["git", "rev-parse", "--short=12", f"{name}^{{commit}}"], cwd=ROOT, text=True).strip()
    tree = ROOT / "target/upgrade" / commit
    if not tree.exists():
        subprocess.run(["git", "worktree", "add", "--detach", str(tree), commit], cwd=ROOT, check=True)
    print(f"building {commit}", flush=True)
    subprocess.run(["cargo", "build", "--locked", "--quiet", "--bin", "tongqian"], cwd=tree, check=True)
    return str(tree / "target/debug/tongqian")


class Fleet:
    """The servers that requests may go to."""

    def __init__(self, base, settings):
        self.base, self.settings = base, settings
        self.servers = {}
        self.turn = itertools.count()

    def start(self, name, program):
        directory = self.base / name
        directory.mkdir(exist_ok=True)
        server = Process(program, ["serve"], directory, self.settings)
        server.url = server.printed("Tongqian listens on ")
        self.servers[name] = server

    def stop(self, name):
        """As a proxy does: no new requests, those under way end, then the signal."""
        server = self.servers.pop(name)
        time.sleep(1)
        code = server.stop()
        if code != 0:
            raise SystemExit(f"{name} ended with {code}")

    def url(self):
        servers = list(self.servers.values())
        return servers[next(self.turn) % len(servers)].url

    def api(self, method, path, body=None):
        return call(method, f"{self.url()}/api/billing{path}", body, key=KEY)


class Traffic:
    """Merchants' programs that make, pay and refund orders, each request at another server."""

    def __init__(self, fleet, wallet):
        self.fleet, self.wallet = fleet, wallet
        self.is_over = False
        self.failures = []
        self.payments, self.refunds = [], []
        self.counts = collections.Counter()
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(N_PROGRAMS)]
        for thread in self.threads:
            thread.start()

    def must(self, expected, method, path, body=None):
        try:
            status, answer = self.fleet.api(method, path, body)
        except OSError as error:
            status, answer = None, str(error).encode()
        self.counts[f"{method} {path.split('/')[1]}"] += 1
        if status not in expected:
            self.failures.append(f"{method} {path}: {status} {answer[:200]}")
            raise InterruptedError
        return json.loads(answer)

    def run(self, n):
        methods = itertools.cycle(["wechat", "alipay"])
        while not self.is_over:
            try:
                self.buy(next(methods), n)
            except InterruptedError:
                pass

    def buy(self, method, n):
        order = self.must([201], "POST", "/orders", {"userId": f"u{n}", "subject": "Team plan", "amount": 9990})
        payment = self.must([201], "POST", "/payments", {"orderId": order["id"], "method": method})
        call("POST", self.wallet, form={"code": payment["paymentUrl"], "act": "pay"})
        self.payments.append(payment["id"])
        paid = self.wait(f"/payments/{payment['id']}", "success")
        refund = {"reason": "test", "amount": 100}
        self.refunds.append(self.must([202], "POST", f"/payments/{paid['id']}/refund", refund)["id"])

    def wait(self, path, status):
        began = time.monotonic()
        while True:
            found = self.must([200], "GET", path)
            if found["status"] == status:
                return found
            if time.monotonic() - began > PATIENCE_SECONDS:
                self.failures.append(f"{path} is still {found['status']}")
                raise InterruptedError
            time.sleep(0.1)

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()
        for path in [f"/refunds/{refund}" for refund in self.refunds]:
            try:
                self.wait(path, "success")
            except InterruptedError:
                pass


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    old, new = program_of(sys.argv[1]), program_of(sys.argv[2])
    for name, program in (("old", old), ("new", new)):
        print(f"{name}: {' '.join(subprocess.check_output([program, '--version'], text=True).split())}")
    directory = tempfile.TemporaryDirectory(prefix="tongqian-upgrade-")
    base = Path(directory.name)
    simulator = start_simulator(new, base, base / "keys")
    settings = simulator.settings | {
        "LISTEN": "127.0.0.1:0",
        "DATABASE_URL": sys.argv[3],
        "GATEWAYS": "live",
        "API_KEY": KEY,
        "API_RATE_PER_SECOND": "0",
        "SECRETS_KEY": base64.b64encode(bytes(range(32))).decode(),
        "LOG": "warn",
    }
    fleet = Fleet(base, settings)
    traffic = None
    try:
        fleet.start("old", old)
        traffic = Traffic(fleet, f"{simulator.base}/wallet")
        phases = [
            ("the older server alone", lambda: None),
            ("both", lambda: fleet.start("new", new)),
            ("the newer server alone", lambda: fleet.stop("old")),
        ]
        for words, change in phases:
            change()
            time.sleep(PHASE_SECONDS)
            print(f"{words}: {sum(traffic.counts.values())} requests so far, {len(traffic.failures)} failures", flush=True)
        traffic.end()
        audit = subprocess.run([new, "audit"], cwd=base, env=settings, capture_output=True, text=True)
        if audit.returncode != 0:
            traffic.failures.append(f"audit:\n{audit.stdout}{audit.stderr}")
    finally:
        if traffic:
            traffic.is_over = True
        for server in list(fleet.servers.values()) + [simulator]:
            server.kill()
    for failure in traffic.failures[:20]:
        print(failure)
    n_failed = len(traffic.failures)
    print(f"{len(traffic.payments)} payments and {len(traffic.refunds)} refunds ended")
    print(f"{sum(traffic.counts.values())} passed, {n_failed} failed")
    sys.exit(n_failed > 0)


if __name__ == "__main__":
    main()
