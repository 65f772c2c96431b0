"""A copy of the database gives nobody a signature: secrets are sealed under a key beside it."""

import stat
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update
from structlog.testing import capture_logs

from models import tables
from models.refusals import Refused
from models.store.engine import open_engine, reading, transaction
from services.clock import now
from services.webhooks.endpoints import NewEndpoint, add_endpoint
from services.webhooks.queue import Room, WebhookQueue
from services.webhooks.secret_box import SecretBox, SecretUnreadable
from services.webhooks.secrets import rotate_secret, seal_all, secrets_of
from tests.integration.webhooks.sending import an_event, fan_out_events
from tests.receivers import ORGANISER, QUICK

URL = "https://receiver.example.invalid/"
OLD = "whsec_AAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4="


def kept(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.scalars(select(tables.webhook_secret.c.secret)))


def opened(engine: Engine, endpoint: str) -> tuple[str, ...]:
    with reading(engine) as connection:
        return secrets_of(connection, [endpoint], now()).get(endpoint, ())


def test_the_database_holds_none_and_each_is_read_again(
    engine: Engine, season: str, tmp_path: Path
) -> None:
    added = add_endpoint(engine, NewEndpoint(season, ORGANISER, URL), now())
    newer = rotate_secret(engine, added.id, now())
    assert opened(engine, added.id) == (newer.secret, added.secret)
    assert len(kept(engine)) == len(set(kept(engine))) == 2
    for secret in (added.secret, newer.secret):
        assert not any(secret in each or secret[6:] in each for each in kept(engine))
    key = tmp_path / "secrets-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text().strip() not in str(kept(engine))


def test_what_an_older_release_kept_is_read_and_then_sealed(engine: Engine, season: str) -> None:
    added = add_endpoint(engine, NewEndpoint(season, ORGANISER, URL), now())
    with transaction(engine) as connection:
        connection.execute(update(tables.webhook_secret).values(secret=OLD))
    assert opened(engine, added.id) == (OLD,)
    assert [seal_all(engine), seal_all(engine)] == [1, 0]
    assert OLD not in str(kept(engine))
    assert opened(engine, added.id) == (OLD,)


@pytest.mark.parametrize("trouble", ["another key", "no key", "nonsense", "a changed byte"])
def test_an_endpoint_whose_secret_cannot_be_read_gets_nothing_and_others_do(
    sqlite_engine: Engine, season: str, tmp_path: Path, trouble: str
) -> None:
    other, lost = (
        add_endpoint(sqlite_engine, NewEndpoint(season, ORGANISER, URL), now()).id for _ in "12"
    )
    fan_out_events(sqlite_engine, an_event("case_1", 1))
    key = tmp_path / "secrets-key"
    if trouble == "a changed byte":
        columns = tables.webhook_secret.c
        with transaction(sqlite_engine) as connection:
            mine = columns.endpoint_id == lost
            found = str(connection.scalar(select(columns.secret).where(mine)))
            worse = found[:-6] + ("A" if found[-6] != "A" else "B") + found[-5:]
            connection.execute(update(tables.webhook_secret).where(mine).values(secret=worse))
    elif trouble == "nonsense":
        key.write_text("no key at all")
    else:
        key.unlink()
        if trouble == "another key":
            SecretBox(key).seal("something")
    reopened = open_engine(str(sqlite_engine.url), secrets=SecretBox(key))
    with capture_logs() as logs:
        due = WebhookQueue(reopened, QUICK).due(lambda _: Room(16))
    assert {each.id for each in due} == ({other} if trouble == "a changed byte" else set())
    unread = {line["endpoint_id"] for line in logs if line["event"] == "secret_unreadable"}
    assert unread == ({lost} if trouble == "a changed byte" else {lost, other})
    assert all(line["alarm"] for line in logs)
    if trouble == "nonsense":
        with pytest.raises(Refused, match="bad_secrets_key"):
            rotate_secret(reopened, lost, now())
    else:
        fresh = rotate_secret(reopened, lost, now())
        assert opened(reopened, lost)[0] == fresh.secret
    reopened.dispose()


def test_without_a_key_nothing_is_kept(sqlite_urls: tuple[str, str], season: str) -> None:
    engine = open_engine(sqlite_urls[0])
    with pytest.raises(LookupError, match="without the key"):
        add_endpoint(engine, NewEndpoint(season, ORGANISER, URL), now())
    assert kept(engine) == []
    engine.dispose()


def test_a_box_opens_what_it_sealed_and_says_which_key_is_missing(tmp_path: Path) -> None:
    box, other = SecretBox(tmp_path / "a"), SecretBox(tmp_path / "b")
    sealed = {box.seal("秘密") for _ in range(20)}
    assert len(sealed) == 20
    assert {box.open(each) for each in sealed} == {"秘密"}
    assert SecretBox(tmp_path / "a").open(sealed.pop()) == "秘密"
    with pytest.raises(SecretUnreadable, match="sealed under the key"):
        other.open(sealed.pop())
