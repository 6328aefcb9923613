#!/usr/bin/env python3
"""Follows the chain of an audit log that was downloaded from /admin/audit-log: verify-audit.py < audit.jsonl

The hash of a line is the SHA-256 of these parts, each with its length in bytes before it (`3:abc`): the hash of the line
before, seq, at, actor, action, subject, detail, ip, requestId. Compare the last hash with one that was written down before:
it says that nothing in front of it has changed.
"""

import hashlib
import json
import sys

TEXTS = ("actor", "action", "subject", "detail", "ip", "requestId")


def seal(line):
    parts = [line["previousHash"], str(line["seq"]), str(line["at"]), *(line[name] for name in TEXTS)]
    encoded = [part.encode() for part in parts]
    return hashlib.sha256(b"".join(b"%d:%s" % (len(part), part) for part in encoded)).hexdigest()


def main():
    seq, last = 0, ""
    for line in map(json.loads, sys.stdin):
        if (line["seq"], line["previousHash"], line["hash"]) != (seq + 1, last, seal(line)):
            sys.exit(f"line {line['seq']} does not follow from the one before")
        seq, last = line["seq"], line["hash"]
    print(f"{seq} lines hold; the last hash is {last}")


main()
