"""`docs/lifecycle.md`, drawn from the table of the lifecycle. `make docs` writes it."""

from collections.abc import Iterator

from transitions.extensions import GraphMachine

from models.cases.actions.registry import ACTIONS
from models.cases.lifecycle import RULES, Rule
from models.cases.states import ENDED, State
from models.wording import ROLES, STATES

_HEAD = """# Life of a case

Generated from the declarations in `models/cases/actions/` by `make docs`; a test fails when it
is stale.

"""


class _Drawn:
    """A model for the drawing alone."""


def lifecycle_page() -> str:
    """Return the page: the diagram, the states, the actions, and what only makes a note."""
    moves = [rule for rule in RULES if not ACTIONS[rule.action].is_note]
    notes = [rule for rule in RULES if ACTIONS[rule.action].is_note]
    parts = [
        f"{_HEAD}```mermaid\n{_diagram(moves)}\n```\n",
        "## States\n",
        *_states(),
        "\n## Actions\n",
        *_actions(moves),
        "\n## Notes\n",
        "They take a number in the case's record and an event, and leave the state as it is.\n",
        *_actions(notes),
    ]
    return "\n".join(parts) + "\n"


def _diagram(moves: list[Rule]) -> str:
    machine = GraphMachine(
        model=_Drawn(),
        states=[{"name": str(state)} for state in State],
        transitions=[
            {
                "trigger": str(rule.action),
                "source": list(map(str, rule.sources)),
                "dest": str(rule.dest),
            }
            for rule in moves
        ],
        initial=str(State.DRAFT),
        auto_transitions=False,
        graph_engine="mermaid",
        title="",
        show_conditions=False,
    )
    source: str = machine.get_combined_graph().source  # type: ignore[attr-defined] # mermaid's own
    # An untitled drawing begins with an empty front matter, which some viewers refuse.
    return source.removeprefix("---\n\n---\n").strip()


def _states() -> Iterator[str]:
    yield "| state | 状态 | |"
    yield "|---|---|---|"
    for state in State:
        final = "end" if state in ENDED else ""
        yield f"| `{state}` | {STATES[state].zh} | {final} |"


def _actions(rules: list[Rule]) -> Iterator[str]:
    yield "| action | 事项 | from | to | who | guards |"
    yield "|---|---|---|---|---|---|"
    for rule in rules:
        sources = ", ".join(f"`{source}`" for source in rule.sources)
        dest = "stays" if rule.dest is None else f"`{rule.dest}`"
        roles = ", ".join(f"{role} {ROLES[role].zh}" for role in rule.roles)
        guards = ", ".join(guard.__name__ for guard in rule.guards)
        yield (
            f"| `{rule.action}` | {ACTIONS[rule.action].words.zh} | {sources} | {dest} | {roles} "
            f"| {guards} |"
        )
