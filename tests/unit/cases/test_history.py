"""The chain of a case's history: pinned, and each thing that it binds is bound."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.cases.history import HASHED, transition_hash
from models.chain import GENESIS, canonical_json, chain_hash, digest, digest_text

LINE: dict[str, Any] = {
    "case_id": "case_01HZX0000000000000000000A1",
    "seq": 3,
    "update_id": "req_1",
    "action": "return_for_revision",
    "source": "province_review",
    "target": "draft",
    "actor_role": "body",
    "actor_id": "fujian",
    "at": datetime(2024, 4, 2, 1, 30, tzinfo=UTC),
    "reason": "请补充用户规模数据",
    "command": {"actor": {"role": "body", "id": "fujian"}, "reason": "sha256:1", "due": None},
    "command_digest": "sha256:2",
    "content_digest": "sha256:3",
    "previous_hash": GENESIS,
    "hash": "not part of itself",
}


def test_hashes_are_pinned() -> None:
    """Histories keep them for years: another value here breaks every verification."""
    assert transition_hash(LINE) == (
        "sha256:87a27b6ec7134e14fc6580541d14743e95a918a3d161d0e90de88d76dd4ccb5b"
    )


@pytest.mark.parametrize("name", HASHED)
def test_every_hashed_column_is_bound(name: str) -> None:
    assert transition_hash({**LINE, name: "another"}) != transition_hash(LINE)


@pytest.mark.parametrize(
    "change",
    [
        {"at": LINE["at"] + timedelta(microseconds=1)},
        {"previous_hash": "sha256:4"},
        {"command": {**LINE["command"], "reason": "sha256:5"}},
        {"content_digest": None},
    ],
)
def test_the_time_the_line_before_and_the_reason_are_bound(change: dict[str, Any]) -> None:
    assert transition_hash({**LINE, **change}) != transition_hash(LINE)


def test_one_instant_has_one_hash_in_every_zone() -> None:
    beijing = LINE["at"].astimezone(timezone(timedelta(hours=8)))
    assert transition_hash({**LINE, "at": beijing}) == transition_hash(LINE)


def test_a_reason_can_be_removed_and_the_chain_holds() -> None:
    assert transition_hash({**LINE, "reason": None}) == transition_hash(LINE)


def test_canonical_json_is_one_text() -> None:
    assert canonical_json({"b": [1, None, True], "a": "省级"}) == '{"a":"省级","b":[1,null,true]}'


def test_a_digest_names_its_algorithm() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest_text("") == f"sha256:{empty}"
    assert len(GENESIS) == len(digest_text(""))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, min_size=2, max_size=6))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    assert digest(dict(reversed(value.items()))) == digest(value)


@given(JSON, JSON)
def test_different_values_have_different_digests(one: Any, other: Any) -> None:
    assert (digest(one) == digest(other)) == (canonical_json(one) == canonical_json(other))


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=3), min_size=2, max_size=6), st.data())
def test_a_change_anywhere_changes_the_head(
    records: list[dict[str, Any]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(records) - 1))
    changed = [*records]
    changed[place] = {**records[place], "\0": "changed"}
    assert head(changed) != head(records)


def head(records: list[dict[str, Any]]) -> str:
    newest = GENESIS
    for record in records:
        newest = chain_hash(newest, record)
    return newest
