"""What a shell asks us when somebody presses Tab, answered by Typer."""

PROGRAM = "tuixuan"
ASKED = "_TUIXUAN_COMPLETE"
"""The variable by which the scripts ask what could follow."""


def answer_shells() -> None:
    """Let Typer know the shells; needed only where one asks."""
    from typer.completion import completion_init  # type: ignore[attr-defined] # not marked

    completion_init()


def script(shell: str) -> str:
    """Return the script that a shell reads. `shell`: bash, zsh or fish."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined] # not marked

    return str(get_completion_script(prog_name=PROGRAM, complete_var=ASKED, shell=shell))
