"""What cannot be an endpoint is refused."""

import pytest
from sqlalchemy import Engine

from models.cases.actors import Actor, Role
from models.refusals import Refused
from services.clock import now
from services.webhooks.endpoints import NewEndpoint, add_endpoint
from tests.receivers import ORGANISER


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"url": "ftp://example.invalid/"}, "bad_url"),
        ({"url": "https://user@example.invalid/"}, "bad_url"),
        ({"url": "https://:secret@example.invalid/"}, "bad_url"),
        ({"url": "https:///path"}, "bad_url"),
        ({"description": "two\nlines"}, "unfit_text"),
        ({"description": "\x1b[2J"}, "unfit_text"),
        ({"description": "长" * 201}, "bad_description"),
        ({"url": "https://example.invalid:99999/"}, "bad_url"),
        ({"url": "https://example.invalid/a b"}, "bad_url"),
        ({"events": ("arrived",)}, "unknown_event"),
        ({"rate": 0}, "bad_rate"),
        ({"season_id": "nope"}, "unknown_season"),
        ({"owner": Actor(role=Role.BODY, id="nope")}, "unknown_org"),
        ({"owner": Actor(role=Role.PANEL, id="p")}, "role_not_allowed"),
    ],
)
def test_nonsense_is_refused(
    engine: Engine, season: str, changes: dict[str, object], code: str
) -> None:
    given = {"season_id": season, "owner": ORGANISER, "url": "https://example.invalid/hook"}
    with pytest.raises(Refused) as refused:
        add_endpoint(engine, NewEndpoint(**{**given, **changes}), now())  # type: ignore[arg-type]
    assert refused.value.code == code
