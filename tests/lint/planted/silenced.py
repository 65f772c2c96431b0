# check: lint
# at: activities/planted.py
# says: ERA001
# says: BLE001
# says: FIX002
# says: PLR0913
"""What a hurry leaves behind."""


def one(a: int, b: int, c: int, d: int, e: int, f: int) -> int:
    """Add."""
    # TODO: the rest
    # total = a + b
    try:
        return a + b + c + d + e + f
    except Exception:
        return 0
