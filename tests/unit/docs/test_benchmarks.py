"""What the benchmark makes of measured times. That it measures at all, only `make bench` shows."""

from collections import defaultdict

import pytest

from benchmarks.beside import WITH, WITHOUT, Beside
from benchmarks.figures import BARE, OURS, Goal, Ratio, Round, Turn, goals, percentile, summarise
from benchmarks.measuring import Events, Measured
from benchmarks.plan import FULL, QUICK, Load, Plan
from benchmarks.report import Report
from benchmarks.start import Start, Starts
from benchmarks.table import BEGIN, END, as_markdown, with_results

STARTS = {"few": Starts(6.0, 340.0, 3), "each": Starts(10.0, 860.0, 8)}


def a_round(contender: str, *latencies: float, clients: int = 1, seconds: float = 1.0) -> Round:
    cpu = {"worker": 0.1, "server": 0.2, "clients": 0.3}
    return Round(contender, clients, seconds, latencies, cpu)


def a_turn(*, bare: float, engine: float = 1.0, ours: float, clients: int = 1) -> Turn:
    """Each contender once; what is given is the latency of its only transition."""
    latencies = {"bare": bare, "engine": engine, "ours": ours}
    return {
        name: a_round(name, latency, clients=clients, seconds=latency)
        for name, latency in latencies.items()
    }


def a_report() -> Report:
    turns = {
        clients: [a_turn(bare=0.010, engine=0.015, ours=0.020, clients=clients)]
        for clients in (1, 20)
    }
    events = {"bare": Events(4, 34), "engine": Events(4, 46), "ours": Events(5, 47)}
    memory = {"bare": 20 * 1024.0, "ours": 240 * 1024.0}
    plan = Plan(1, 2, (Load(1, 1, 1, 1.0), Load(20, 1, 1, 1.0)), Load(20, 1, 1, 0.0), 1, 1)
    beside = Beside(
        [{WITH: a_round(OURS, 0.4), WITHOUT: a_round(OURS, 0.2, seconds=0.5)}], (0.1, 0.6, 0.2), 0
    )
    return Report(
        Measured(turns, memory, events, beside),
        plan,
        "1.8.2",
        STARTS,
    )


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([1.0, 2.0], 50, 1.0),
        (range(1, 101), 99, 99),
        (range(1, 102), 99, 100),
        ([7.0], 99, 7.0),
        ([7.0, 8.0], 0, 7.0),
    ],
)
def test_a_percentile_is_a_measured_value_at_its_nearest_rank(
    values: list[float], percent: float, expected: float
) -> None:
    assert percentile(values, percent) == expected


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_throughput_counts_transitions_and_latency_is_in_milliseconds() -> None:
    found = a_round(OURS, 0.1, 0.3, 0.2, seconds=2.0)
    assert (found.throughput, found.p50) == (1.5, 200.0)


def test_a_summary_takes_the_median_round_and_all_latencies() -> None:
    rounds = [
        a_round(BARE, 0.1, 0.2, seconds=1.0),
        a_round(BARE, 0.3, 0.4, seconds=2.0),
        a_round(BARE, 0.5, 0.6, seconds=4.0),
    ]
    found = summarise(rounds)
    assert (found.rounds, found.transitions, found.throughput) == (3, 6, 1.0)
    assert (found.p50_ms, found.p99_ms) == (300.0, 600.0)
    assert found.cpu_ms == pytest.approx({"worker": 50.0, "server": 100.0, "clients": 150.0})


def test_a_ratio_compares_within_turns_and_takes_the_median() -> None:
    turns = [a_turn(bare=0.01, ours=0.02), a_turn(bare=0.10, ours=0.30), a_turn(bare=1, ours=1)]
    found = Ratio.of(turns, OURS, BARE, lambda one: one.p50)
    assert (found.median, found.least, found.most) == (2.0, 1.0, 3.0)
    assert str(found) == "2.00 (1.00–3.00)"


@pytest.mark.parametrize(
    ("measured", "at_least", "met"),
    [(0.8, True, True), (0.79, True, False), (0.8, False, True), (0.81, False, False)],
)
def test_a_goal_is_met_at_its_limit_and_beyond(measured: float, at_least: bool, met: bool) -> None:
    assert Goal("figure", measured, 0.8, at_least).met is met


def test_the_goals_are_those_of_the_design() -> None:
    lines = [(goal.name, goal.line) for goal in goals(defaultdict(float))]
    assert lines == [
        ("throughput_ratio_20", "≥ 0.8"),
        ("p50_ratio_1", "≤ 1.5"),
        ("events_per_transition", "≤ 7"),
        ("webhook_p99_ms", "≤ 500"),
        ("start_seconds", "≤ 10"),
        ("stack_rss_mib", "≤ 450"),
    ]


def test_a_report_leads_with_the_promised_figures() -> None:
    report = a_report().as_json()
    assert list(report)[:3] == ["throughput_ratio_20", "p50_ratio_1", "events_per_transition"]
    assert report["throughput_ratio_20"] == 0.5
    assert report["p50_ratio_1"] == 2.0
    assert report["events_per_transition"] == 7.0
    assert report["webhook_p99_ms"] == 600.0
    assert (report["start_seconds"], report["stack_rss_mib"]) == (6.0, 340.0)
    assert report["with_consumers"]["median"] == 0.5
    assert not report["goals"]["p50_ratio_1"]["met"]


def test_of_several_starts_the_median_counts() -> None:
    measured = ((9.0, 300), (5.0, 350), (6.0, 340))
    found = [Start(seconds, rss * 2**20, 3) for seconds, rss in measured]
    assert Starts.of(found) == STARTS["few"]


def test_the_tables_hold_every_contender_and_the_verdicts() -> None:
    found = as_markdown(a_report())
    assert "| `events_per_transition` | 7.00 | ≤ 7 | met |" in found
    assert "| `p50_ratio_1` | 2.00 | ≤ 1.5 | **not met** |" in found
    assert "| one for each role | 8 | 10.0 | 860 |" in found
    assert "| 20 | ours | 50.0 | 20.0 | 20.0 | 100.0 | 200.0 | 300.0 |" in found
    assert "| 1 | ours ÷ engine | 0.75 (0.75–0.75) | 1.33 (1.33–1.33) |" in found
    assert "| ratio of throughput | 0.50 (0.50–0.50) | | |" in found
    assert "p50 200 ms, p99 600 ms, 3 events, 0 came again." in found
    assert "| ours | 5 | 47 | 7.0 | 240 KiB |" in found


def test_results_go_between_the_marks_and_replace_what_was_there() -> None:
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    once = with_results(page, "| new |")
    assert once == f"before\n{BEGIN}\n\n| new |\n\n{END}\nafter\n"
    assert with_results(once, "| new |") == once


@pytest.mark.parametrize("page", ["", BEGIN, END, f"{END} {BEGIN}"])
def test_a_page_without_marks_is_left_alone(page: str) -> None:
    with pytest.raises(ValueError, match="lacks"):
        with_results(page, "new")


@pytest.mark.parametrize("plan", [FULL, QUICK])
def test_every_plan_has_the_loads_that_the_promises_name(plan: Plan) -> None:
    assert [load.clients for load in plan.loads] == [1, 20, 100]
