"""The page of the lifecycle is drawn from the table, and is never stale."""

from pathlib import Path

import pytest

from models.cases.actions.names import Action
from models.cases.actions.registry import ACTIONS
from models.cases.drawing import lifecycle_page
from models.cases.lifecycle import RULES
from models.cases.states import State
from models.wording import STATES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "lifecycle.md"


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text(encoding="utf-8") == lifecycle_page(), "run: make docs"


def test_every_move_is_an_arrow_and_no_note_is_one() -> None:
    drawing = lifecycle_page().split("```mermaid\n")[1].split("```")[0]
    arrows = {line.strip() for line in drawing.splitlines() if "-->" in line}
    for rule in RULES:
        for source in rule.sources:
            drawn = any(
                arrow.startswith(f"{source} --> {rule.dest}") and rule.action in arrow
                for arrow in arrows
            )
            assert drawn == (not ACTIONS[rule.action].is_note), (rule.action, source)


@pytest.mark.parametrize("name", [*State, *Action])
def test_everything_has_words_and_stands_on_the_page(name: str) -> None:
    words = STATES[name] if name in STATES else ACTIONS[Action(name)].words
    assert f"| `{name}` | {words.zh} |" in lifecycle_page()
