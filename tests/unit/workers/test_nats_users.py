"""The users of our own NATS server: one for each role, and who may send what."""

import json
import stat
from pathlib import Path

import pytest

from models.cases.actions.names import EventName
from models.stream.names import EVENTS, Durable, event_subject
from workers.processes import WorkerRole
from workers.servers.nats_users import MAY_PUBLISH, NatsUser, inbox, login, passwords

URL = "nats://127.0.0.1:4222"
EVENT = event_subject(EventName.SUBMITTED, "case_1", 1)


def may(user: NatsUser, subject: str) -> bool:
    return any(_fits(pattern.split("."), subject.split(".")) for pattern in MAY_PUBLISH[user])


def _fits(pattern: list[str], subject: list[str]) -> bool:
    if pattern[-1] == ">":
        return len(subject) >= len(pattern) and _fits(pattern[:-1], subject[: len(pattern) - 1])
    return len(pattern) == len(subject) and all(
        want in ("*", word) for want, word in zip(pattern, subject, strict=True)
    )


def test_the_relay_alone_publishes_events() -> None:
    assert [user for user in NatsUser if may(user, EVENT)] == [NatsUser.RELAY]


@pytest.mark.parametrize("durable", Durable)
def test_a_consumer_reads_its_own_durable_and_no_other(durable: Durable) -> None:
    asks = ("$JS.API.CONSUMER.MSG.NEXT.{}", "$JS.ACK.{}.1.2.3.4.5", "$JS.API.CONSUMER.CREATE.{}")
    for ask in asks:
        subject = ask.format(f"{EVENTS}.{durable}")
        assert [user for user in NatsUser if may(user, subject)] == [NatsUser(durable)]


@pytest.mark.parametrize("verb", ["DELETE", "PURGE", "SNAPSHOT", "RESTORE"])
def test_nobody_deletes_or_copies_the_events(verb: str) -> None:
    assert not any(may(user, f"$JS.API.STREAM.{verb}.{EVENTS}") for user in NatsUser)
    assert not any(may(user, f"$JS.API.STREAM.MSG.DELETE.{EVENTS}") for user in NatsUser)


def test_each_role_with_a_stream_has_a_user_and_inboxes_of_its_own() -> None:
    assert set(NatsUser) >= set(WorkerRole) - {WorkerRole.CASES, WorkerRole.PORTAL}
    assert len({inbox(user) for user in NatsUser}) == len(NatsUser)


def test_passwords_are_made_once_and_read_by_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    assert login(URL, NatsUser.RELAY, path) == (URL, None, None)
    first = passwords(path, URL)
    assert len(set(first.values())) == len(NatsUser)
    assert min(map(len, first.values())) >= 32
    assert passwords(path, URL) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert login(URL, NatsUser.RELAY, path) == (URL, "relay", first[NatsUser.RELAY])


def test_they_are_told_to_no_other_server(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    first = passwords(path, URL)
    for other in ("nats://nats.example.invalid:4222", "nats://127.0.0.1:4223"):
        assert login(other, NatsUser.OPERATOR, path) == (other, None, None)
    moved = "nats://127.0.0.1:4300"
    assert passwords(path, moved) == first
    assert login(moved, NatsUser.OPERATOR, path).password == first[NatsUser.OPERATOR]
    assert login(URL, NatsUser.OPERATOR, path).password is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"url": 1, "of": {"stranger": "x"}}', "\0"])
def test_what_is_no_list_of_passwords_is_made_anew(tmp_path: Path, content: str) -> None:
    path = tmp_path / "users.json"
    path.write_text(content)
    assert login(URL, NatsUser.RELAY, path).password is None
    made = passwords(path, URL)
    assert json.loads(path.read_text())["of"] == {user.value: made[user] for user in NatsUser}
