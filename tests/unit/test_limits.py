"""No test knows how fast a machine is: limits go through `tests.slack`, waits through `waiting`."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import ROOT

TESTS = ROOT / "tests"
LEFT_OUT = (TESTS / "lint" / "planted", TESTS / "slack.py", TESTS / "waiting.py")
STRETCHED = {"slack", "stretch"}
CLOCKS = {"monotonic", "perf_counter", "time"}
LIMITS = {"timeout", "patience", "answer_within"}
"""Keywords that limit how long something may take."""
PLACES = {"timeout": 0, "wait": 0, "join": 0, "wait_for": 1, "settimeout": 0}
"""Calls that take such a limit as this argument."""

ALLOWED = {
    ("receivers.py", "await asyncio.sleep(self.delay)"): "a receiver that is slow",
    (
        "integration/webhooks/test_hostile.py",
        "await asyncio.sleep(pause if then else 0.1)",
    ): "one that drips",
    (
        "integration/notifications/test_chat_and_sms.py",
        "await asyncio.sleep(0.1)",
    ): "one that drips",
    (
        "integration/notifications/test_chat_and_sms.py",
        "await send(engine, Channel.SMS, SmsTransport(SmsSettings(url=url), timeout=1.0))",
    ): "it has to run out",
    (
        "integration/stream/test_relay.py",
        "await asyncio.sleep(0.3)  # the window itself is a time",
    ): "the server forgets after a time, and nothing tells when it has",
}
"""Why each of these may."""

Finding = tuple[str, str]


def findings(source: str) -> Iterator[ast.AST]:
    """Yield the sleeps, and the limits that are numbers of seconds as they stand."""
    tree = ast.parse(source)
    numbers = {
        target.id
        for each in tree.body
        if isinstance(each, ast.Assign) and _is_number(each.value)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _called(node) == "sleep":
            if not (isinstance(node.args[0], ast.Constant) and node.args[0].value == 0):
                yield node
        elif isinstance(node, ast.Call) and _scaled_by_pytest(node):
            continue
        elif isinstance(node, ast.Call):
            place = PLACES.get(_called(node), len(node.args))
            given = [each.value for each in node.keywords if each.arg in LIMITS]
            if any(_absolute(each, numbers) for each in (*node.args[place : place + 1], *given)):
                yield node
        elif isinstance(node, ast.Compare) and _is_upper_bound(node):
            yield node


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _scaled_by_pytest(node: ast.Call) -> bool:
    return ast.unparse(node.func) == "pytest.mark.timeout"  # by `tests/conftest.py`


def _is_number(node: ast.expr) -> bool:
    number = isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    return number and not isinstance(node.value, bool) and node.value != 0  # type: ignore[attr-defined]


def _absolute(node: ast.expr, numbers: set[str]) -> bool:
    if isinstance(node, ast.BinOp) and not _is_stretched(node):
        return _absolute(node.left, numbers) or _absolute(node.right, numbers)
    return _is_number(node) or (isinstance(node, ast.Name) and node.id in numbers)


def _is_upper_bound(node: ast.Compare) -> bool:
    """Tell whether it says that something took less than a time that nothing stretched."""
    sides = [node.left, *node.comparators]
    if any(map(_is_stretched, sides)):
        return False
    small, large = (ast.Lt, ast.LtE), (ast.Gt, ast.GtE)
    return any(
        (isinstance(operator, small) and _asks_a_clock(left))
        or (isinstance(operator, large) and _asks_a_clock(right))
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False)
    )


def _is_stretched(node: ast.expr) -> bool:
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    return any(_called(each) in STRETCHED for each in calls)


def _asks_a_clock(side: ast.expr) -> bool:
    return any(
        isinstance(each, ast.Call) and _called(each) in CLOCKS and not each.args
        for each in ast.walk(side)
    )


def _found_in(path: Path) -> set[Finding]:
    source = path.read_text(encoding="utf-8")
    lines, where = source.splitlines(), path.relative_to(TESTS).as_posix()
    return {(where, lines[node.lineno - 1].strip()) for node in findings(source)}  # type: ignore[attr-defined]


def test_no_limit_is_absolute_and_nobody_sleeps() -> None:
    paths = [
        path
        for path in sorted(TESTS.rglob("*.py"))
        if not any(path.is_relative_to(each) for each in LEFT_OUT)
    ]
    found = set[Finding]().union(*map(_found_in, paths))
    unknown = sorted(found - ALLOWED.keys())
    assert unknown == [], f"wait by tests.waiting, limit by tests.slack, or say why not: {unknown}"
    assert sorted(ALLOWED.keys() - found) == []  # nothing is allowed that nobody does any more


@pytest.mark.parametrize(
    "line",
    [
        "time.sleep(1)",
        "await asyncio.sleep(0.1)",
        "async with asyncio.timeout(5): ...",
        "await asyncio.wait_for(task, 30)",
        "await asyncio.wait_for(task, timeout=30)",
        "process.wait(60)",
        "urlopen(address, timeout=10)",
        "urlopen(address, timeout=2 * SECONDS)",
        "released.wait(SECONDS)",
        "assert time.monotonic() - began < 30",
        "assert loop.time() <= began + SECONDS",
        "assert 30 > time.perf_counter() - began",
    ],
)
def test_an_absolute_limit_is_found(line: str) -> None:
    assert len(list(findings(f"SECONDS = 5.0\nasync def test(): \n {line}"))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "await asyncio.sleep(0)",
        "async with asyncio.timeout(slack(5)): ...",
        "process.wait()",
        "urlopen(address, timeout=slack(10))",
        "urlopen(address, timeout=2 * slack(10))",
        "', '.join(names)",
        "assert time.monotonic() - began < slack(30)",
        "assert loop.time() - began >= 0.5",
        "@pytest.mark.timeout(300)\n def test(): ...",
    ],
)
def test_a_limit_that_is_stretched_is_not(line: str) -> None:
    assert list(findings(f"async def test(): \n {line}")) == []
