"""A failure is told in one line, as it happens."""

from io import StringIO

import pytest
from _pytest.terminal import TerminalReporter

from tests.failures import Failures

NODE = "tests/unit/test_it.py::test_it"


def told(config: pytest.Config, report: pytest.TestReport) -> str:
    said = StringIO()
    reporter = TerminalReporter(config, said)
    plugins = type("Plugins", (), {"get_plugin": lambda _self, _name: reporter})()
    Failures(type("Config", (), {"pluginmanager": plugins})()).pytest_runtest_logreport(report)
    return said.getvalue()


def report(when: str, longrepr: object, outcome: str = "failed") -> pytest.TestReport:
    return pytest.TestReport(NODE, (NODE, 1, ""), {}, outcome, longrepr, when)  # type: ignore[arg-type]


def test_it_names_the_test_and_the_first_line_of_the_error(
    pytestconfig: pytest.Config,
) -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        error = pytest.ExceptionInfo.from_current()
    line = told(pytestconfig, report("call", error.getrepr()))
    assert line == f"FAILED {NODE}: ValueError: first\n"


def test_it_says_where_it_failed(pytestconfig: pytest.Config) -> None:
    line = told(pytestconfig, report("setup", "a long story\nand its end"))
    assert line == f"FAILED (setup) {NODE}: and its end\n"


def test_it_says_nothing_of_what_passed(pytestconfig: pytest.Config) -> None:
    assert told(pytestconfig, report("call", None, "passed")) == ""
