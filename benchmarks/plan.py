"""What a run does, and how long: turns of rounds at each number of clients."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Load:
    """A number of clients, and how often each contender meets it.

    Attributes:
        clients: How many act at the same time.
        cases: Cases that each client takes in a round, one after another.
        turns: Rounds of each contender, at the most.
        seconds: No new turn is begun after so many; one there always is.
    """

    clients: int
    cases: int
    turns: int
    seconds: float

    @property
    def cases_a_round(self) -> int:
        """Cases of all clients."""
        return self.clients * self.cases


@dataclass(frozen=True)
class Plan:
    """A whole run.

    Attributes:
        warm_up: Cases of each contender that are driven before anything counts.
        open_cases: Open cases of each, over which memory is measured.
        loads: In the order in which they run.
        beside: How ours is taken with the consumers running and without.
        alone: Cases, one after another, of which a receiver's latency is taken.
        starts: Starts of the whole stack, in each of its two forms.
    """

    warm_up: int
    open_cases: int
    loads: tuple[Load, ...]
    beside: Load
    alone: int
    starts: int


FULL = Plan(
    warm_up=40,
    open_cases=300,
    loads=(Load(1, 8, 9, 60.0), Load(20, 2, 9, 120.0), Load(100, 1, 3, 60.0)),
    beside=Load(20, 2, 5, 0.0),
    alone=60,
    starts=3,
)
QUICK = Plan(
    warm_up=20,
    open_cases=60,
    loads=(Load(1, 2, 3, 15.0), Load(20, 1, 3, 15.0), Load(100, 1, 1, 0.0)),
    beside=Load(20, 1, 1, 0.0),
    alone=10,
    starts=1,
)
