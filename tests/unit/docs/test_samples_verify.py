"""The samples of docs/samples verify what the library of Standard Webhooks signs."""

import base64
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

SAMPLES = Path(__file__).resolve().parents[3] / "docs" / "samples"
NAMES = ("WEBHOOK_ID", "WEBHOOK_TIMESTAMP", "WEBHOOK_SIGNATURE", "WEBHOOK_SECRET")
NEW, OLD = ("whsec_" + base64.b64encode(bytes([n, *range(31)])).decode() for n in (0, 255))
BODY = '{"title": "智慧广电", "n": 1}\n'


def needs(*tools: str) -> pytest.MarkDecorator:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not here: {missing}")


LANGUAGES = [
    pytest.param([sys.executable, "verify.py"], id="python"),
    pytest.param(["node", "verify.mjs"], id="node", marks=needs("node")),
    pytest.param(["bash", "verify.sh"], id="bash", marks=needs("bash", "openssl")),
]
languages = pytest.mark.parametrize("command", LANGUAGES)


def signed(secret: str = NEW, *, late: int = 0) -> list[str]:
    at = datetime.now(UTC) - timedelta(seconds=late)
    return ["msg_1", str(int(at.timestamp())), Webhook(secret).sign("msg_1", at, BODY), secret]


def verifies(command: list[str], given: list[str], body: str = BODY) -> bool:
    done = subprocess.run(
        [*command, *given], input=body.encode(), cwd=SAMPLES, capture_output=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode == 0


@languages
def test_a_good_message_passes(command: list[str]) -> None:
    assert verifies(command, signed())


@languages
def test_the_environment_serves_as_well(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in zip(NAMES, signed(), strict=True):
        monkeypatch.setitem(os.environ, name, value)
    assert verifies(command, [])


@languages
@pytest.mark.parametrize("body", [BODY.replace("1", "2"), BODY.rstrip(), ""])
def test_a_body_that_was_touched_fails(command: list[str], body: str) -> None:
    assert not verifies(command, signed(), body)


@languages
def test_another_secret_fails(command: list[str]) -> None:
    assert not verifies(command, [*signed()[:3], OLD])


@languages
@pytest.mark.parametrize("late", [400, -400])
def test_a_time_too_far_away_fails(command: list[str], late: int) -> None:
    assert not verifies(command, signed(late=late))


@languages
@pytest.mark.parametrize("secret", [OLD, NEW])
def test_one_of_two_signatures_is_enough(command: list[str], secret: str) -> None:
    now = signed(OLD)
    at = datetime.fromtimestamp(int(now[1]), UTC)
    both = f"{now[2]} {Webhook(NEW).sign('msg_1', at, BODY)}"
    assert verifies(command, [*now[:2], both, secret])


@languages
@pytest.mark.parametrize("place", range(4))
def test_what_is_missing_fails(command: list[str], place: int) -> None:
    given = signed()
    given[place] = ""
    assert not verifies(command, given)
