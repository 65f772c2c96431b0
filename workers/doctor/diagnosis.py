"""What the doctor found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        ok: Whether the system works with it as it is.
        found: What is there.
        advice: What to do; empty if nothing needs doing.
    """

    name: str
    ok: bool
    found: str
    advice: str = ""
