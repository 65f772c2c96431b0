"""`tuixuan demo`: one case from draft to published, each step with its proof, again and again."""

import json
import re

import pytest

from tests.e2e.records import assert_four_records_agree
from tests.e2e.stack import Stack

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("shared-stack"),
]

STATES = [
    "draft", "province_review", "draft", "province_review", "recommendation", "formal_check",
    "correction", "formal_check", "expert_review", "oral_defense", "publication", "published",
]  # fmt: skip


async def test_each_step_shows_its_proof(stack: Stack) -> None:
    done = stack.run("demo")
    assert done.stdout == ""
    numbered = re.split(r"(?m)^ *\d+\. ", done.stderr)[1:]
    shown = [
        found for step in numbered if (found := re.search(r"状态 \S+?（(\w+)），序号 (\d+)", step))
    ]
    assert [(found[1], int(found[2])) for found in shown] == [
        (state, seq) for seq, state in enumerate(STATES)
    ]
    refused = [step for step in numbered if "被拒绝" in step]
    assert len(refused) == 1
    assert "not_in_this_state" in refused[0]

    proofs = [re.search(r"事件 #(\d+) · 审计 #(\d+) · 站内消息 (\S+)", step) for step in numbered]
    events = [(int(found[1]), int(found[2])) for found in proofs if found]
    assert len(events) == len(STATES) - 1
    assert events == sorted(set(events))
    assert "尚" not in "".join(found[0] for found in proofs if found)  # nothing is still missing
    mails = re.findall(r"邮件 (\S+\.eml) → (\S+)", done.stderr)
    assert len({name for name, _ in mails}) == len(mails) >= len(events)
    for name, _ in mails:
        assert stack.places.mail.joinpath(name).is_file()
    assert re.search(r"审计核验：\d+ 件案例、\d+ 条记录，无误", done.stderr)
    named = re.search(r"tuixuan case history (\S+)", done.stderr)
    assert named is not None
    assert await assert_four_records_agree(stack, [named[1]]) == len(events)


def test_a_program_gets_the_case_and_nothing_else(stack: Stack) -> None:
    again = [stack.run("demo", "--output", "json") for _ in range(2)]
    cases = [json.loads(done.stdout) for done in again]
    assert len({case["id"] for case in cases}) == len({case["season"] for case in cases}) == 2
    for case in cases:
        assert case == stack.json("case", "show", case["id"])
        assert (case["state"], case["seq"]) == ("published", len(STATES) - 1)
    assert stack.run("demo", "--quiet", "--output", "json").stderr == ""


def test_demonstrations_are_put_away(stack: Stack) -> None:
    case = json.loads(stack.run("demo", "--output", "json").stdout)
    assert case["season"] not in [each["id"] for each in stack.json("season", "list")["items"]]
    assert case["season"] in stack.json("demo", "--clean")["seasons"]
    assert stack.json("case", "show", case["id"])["state"] == "published"
    assert stack.json("case", "list", "--season", case["season"])["items"]
