"""A report as tables in Markdown, for the terminal and for the page beside this file."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.beside import WITH, WITHOUT
from benchmarks.contenders import PATH
from benchmarks.figures import MS, percentile, summarise
from benchmarks.report import Report, machine, versions

KIB = 1024
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def as_markdown(report: Report) -> str:
    """Return the tables."""
    parts = (_goals, _loads, _ratios, _beside, _starts, _cases, _about)
    return "\n\n".join("\n".join(part(report)) for part in parts)


def _goals(report: Report) -> Iterator[str]:
    yield "| promise | measured | limit | |"
    yield "|---|---|---|---|"
    for goal in report.goals:
        verdict = "met" if goal.met else "**not met**"
        yield f"| `{goal.name}` | {goal.measured:.2f} | {goal.line} | {verdict} |"


def _loads(report: Report) -> Iterator[str]:
    columns = ("transitions/s", "p50 ms", "p99 ms", "CPU ms: worker", "server", "clients")
    yield f"| clients | contender | {' | '.join(columns)} |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in report.summaries:
        used = " | ".join(f"{one.cpu_ms[name]:.1f}" for name in ("worker", "server", "clients"))
        yield (
            f"| {one.clients} | {one.contender} | {one.throughput:.1f} "
            f"| {one.p50_ms:.1f} | {one.p99_ms:.1f} | {used} |"
        )


def _ratios(report: Report) -> Iterator[str]:
    yield "| clients | ratio | of throughput | of p50 |"
    yield "|---|---|---|---|"
    for one in report.comparisons:
        yield f"| {one.clients} | {one.over} ÷ {one.under} | {one.throughput} | {one.p50} |"


def _starts(report: Report) -> Iterator[str]:
    yield "| a second start with | processes of ours | ready after s | resident MiB |"
    yield "|---|---|---|---|"
    names = {"few": "few processes", "each": "one for each role"}
    for mode, one in report.starts.items():
        yield f"| {names[mode]} | {one.processes} | {one.seconds:.1f} | {one.rss_mib:.0f} |"


def _beside(report: Report) -> Iterator[str]:
    beside = report.measured.beside
    yield "| ours at 20 clients | transitions/s | p50 ms | p99 ms |"
    yield "|---|---|---|---|"
    for name in (WITHOUT, WITH):
        one = summarise([turn[name] for turn in beside.turns])
        yield f"| {name} | {one.throughput:.1f} | {one.p50_ms:.1f} | {one.p99_ms:.1f} |"
    yield f"| ratio of throughput | {report.with_consumers} | | |"
    yield ""
    p50, p99 = (percentile(beside.seconds, rank) * MS for rank in (50, 99))
    yield (
        f"From an event's own time to a receiver that verified it, one client at work: p50 "
        f"{p50:.0f} ms, p99 {p99:.0f} ms, {len(beside.seconds)} events, {beside.again} came again."
    )


def _cases(report: Report) -> Iterator[str]:
    columns = ("events, open", "after six transitions", "a transition", "worker's memory, open")
    yield f"| case of | {' | '.join(columns)} |"
    yield "|---|---|---|---|---|"
    for name, events in report.measured.events.items():
        memory = report.measured.memory.get(name)
        yield (
            f"| {name} | {events.opened} | {events.ended} "
            f"| {report.events_per_transition(name):.1f} "
            f"| {'' if memory is None else f'{memory / KIB:.0f} KiB'} |"
        )


def _about(report: Report) -> Iterator[str]:
    found, used = machine(), versions(report.server)
    yield f"Machine: {found['cores']} cores, {found['memory_gib']} GiB."
    yield "Versions: " + ", ".join(f"{name} {number}" for name, number in used.items()) + "."
    rounds = "; ".join(
        f"with {load.clients} clients {len(report.measured.turns[load.clients])}"
        f" of {load.cases_a_round * len(PATH)} transitions"
        for load in report.plan.loads
    )
    yield f"Rounds of each: {rounds}. Memory over {report.plan.open_cases} open drafts."


def write_readme(report: Report, file: Path) -> None:
    """Put the tables between the marks of a page."""
    file.write_text(with_results(file.read_text(), as_markdown(report)))


def with_results(page: str, results: str) -> str:
    """Return a page with what stands between its marks replaced.

    Raises:
        ValueError: The page has no marks.
    """
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        message = f"the page lacks {BEGIN} … {END}"
        raise ValueError(message)
    return f"{head}{BEGIN}\n\n{results}\n\n{END}{tail}"
