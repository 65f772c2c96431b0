"""A pytest plugin: a test that fails is named as it happens, with its cause in one line."""

import pytest

LONGEST = 200


class Failures:
    """Writes to the terminal of the process that collects the reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Name a test whose set-up, call or teardown failed."""
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if report.failed and terminal is not None:
            where = "" if report.when == "call" else f" ({report.when})"
            terminal.ensure_newline()
            terminal.write_line(f"FAILED{where} {report.nodeid}: {cause(report)}", red=True)


def cause(report: pytest.TestReport) -> str:
    """Return why a test failed: the first line of the error that ended it."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = lines[0] if crash is not None and lines else (lines or ["no words"])[-1]
    return found[:LONGEST]
