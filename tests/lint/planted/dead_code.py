# check: dead-code
# at: workers/planted.py
# says: unused function 'nobody_calls_this'
# says: unused class 'NobodyMakesThis'
# says: unused variable 'NOBODY_READS_THIS'
# says: unused import 'colorsys'
# says: unreachable code after 'return'
"""Code that nothing uses."""

import colorsys

NOBODY_READS_THIS = 1


def nobody_calls_this() -> int:
    return 1
    print("never")


class NobodyMakesThis:
    """Nothing."""
