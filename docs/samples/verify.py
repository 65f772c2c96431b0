"""Verify a webhook by Standard Webhooks 1.0; exit 0: it is genuine and fresh, 1: it is not.

    python verify.py ID TIMESTAMP SIGNATURES SECRET <body

In place of arguments: WEBHOOK_ID, WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE, WEBHOOK_SECRET.
"""

import base64
import binascii
import hashlib
import hmac
import os
import sys
import time

TOLERANCE = 5 * 60
NAMES = ("WEBHOOK_ID", "WEBHOOK_TIMESTAMP", "WEBHOOK_SIGNATURE", "WEBHOOK_SECRET")


def verify(given: list[str], body: bytes) -> bool:
    """Tell whether one of the signatures is ours, over this very body, and fresh."""
    message, timestamp, signatures, secret = given
    if not (message and timestamp.isascii() and timestamp.isdecimal()):
        return False
    if not secret.startswith("whsec_") or abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return False
    signed = f"{message}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    wanted = b"v1," + base64.b64encode(digest)
    found = [hmac.compare_digest(wanted, each.encode()) for each in signatures.split()]
    return bool(key) and any(found)


if __name__ == "__main__":
    values = sys.argv[1:] or [os.environ.get(name, "") for name in NAMES]
    good = len(values) == len(NAMES) and verify(values, sys.stdin.buffer.read())
    sys.exit(0 if good else 1)
