"""Processes and HTTP calls of the tests in this directory (alerts-test.py, upgrade-test.py)."""

import json
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request


def call(method, url, body=None, form=None, key=None):
    """Sends JSON or a form and returns the status and the body of the answer, whatever the status is."""
    headers, data = {}, None
    if key:
        headers["authorization"] = f"Bearer {key}"
    if body is not None:
        headers["content-type"], data = "application/json", json.dumps(body).encode()
    if form is not None:
        headers["content-type"], data = "application/x-www-form-urlencoded", urllib.parse.urlencode(form).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Process:
    """A command of the program, with no settings but these. Its addresses are read from what it prints."""

    def __init__(self, program, arguments, directory, settings=None, log=subprocess.DEVNULL, restore_signals=True):
        self.child = subprocess.Popen(
            [program, *arguments],
            cwd=directory,
            env={"PATH": "/usr/bin:/bin"} | (settings or {}),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            restore_signals=restore_signals,
        )

    def printed(self, beginning):
        """Returns the rest of the next line that begins so."""
        for line in self.child.stdout:
            if line.startswith(beginning):
                return line[len(beginning) :].strip()
        raise SystemExit(f"never printed: {beginning}")

    def stop(self):
        """Asks it to stop and returns its exit code."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(timeout=60)

    def kill(self):
        self.child.kill()
        self.child.wait()


def start_simulator(program, directory, keys, arguments=()):
    """Starts a simulator alone. Its `base` is its address, its `settings` those of a server that pays there."""
    command = ["simulator", "--listen", "127.0.0.1:0", "--keys", str(keys), *arguments]
    simulator = Process(program, command, directory)
    simulator.base = simulator.printed("Simulator listens on ")
    simulator.settings = {}
    for line in simulator.child.stdout:
        if line.startswith("# The simulator is ready"):
            break
        name, found, value = line.rstrip("\n").partition("=")
        if found and "_" in name:
            simulator.settings[name] = value
    return simulator
