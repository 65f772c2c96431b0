"""The comparison of the four records sees what it is for: each kind of difference, planted."""

import copy

import pytest

from tests.e2e.driving import ACCEPT, RETURN, SUBMIT, act, new_season
from tests.e2e.records import (
    assert_announced,
    assert_four_records_agree,
    assert_history_holds,
    assert_told_once,
    assert_witnessed,
    recorded,
)
from tests.e2e.stack import Stack
from tests.streams import messages

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("shared-stack"),
]


async def test_every_difference_is_seen(stack: Stack) -> None:
    case_id = stack.create_case(new_season(stack), title="（虚构）对照用的案例")
    act(stack, case_id, SUBMIT, RETURN, SUBMIT, ACCEPT)
    assert await assert_four_records_agree(stack, [case_id]) == 4
    case, lines, outbox = recorded(stack.engine, case_id)
    nats = await stack.nats()
    everything = await messages(nats.jetstream())
    await nats.close()
    stream = [message for message in everything if f".{case_id}." in str(message.subject)]
    announced = assert_announced(lines, outbox, stream)

    for lost in range(4):
        kept = [line for place, line in enumerate(lines) if place != lost]
        with pytest.raises(AssertionError):
            assert_history_holds(case, kept)
        with pytest.raises(AssertionError):
            assert_announced(lines, outbox, [m for place, m in enumerate(stream) if place != lost])
        fewer = [step for place, step in enumerate(announced) if place != lost]
        with pytest.raises(AssertionError):
            assert_witnessed(stack.audit_engine, case_id, fewer)
        with pytest.raises(AssertionError):
            assert_told_once(stack, case_id, fewer)
    doubled = [*stream, stream[-1]]
    with pytest.raises(AssertionError):
        assert_announced(lines, outbox, doubled)
    for column in ("actor_id", "update_id", "at", "command_digest", "reason"):
        forged = copy.deepcopy(lines)
        forged[1][column] = case["created_at"] if column == "at" else "forged"
        if column == "reason":  # of a reason its digest alone is bound
            forged[1]["command"]["reason"] = "sha256:forged"
        with pytest.raises(AssertionError):
            assert_history_holds(case, forged)
    forged_steps = [step._replace(body=step.body.replace("submit", "Submit")) for step in announced]
    with pytest.raises(AssertionError):
        assert_witnessed(stack.audit_engine, case_id, forged_steps)
