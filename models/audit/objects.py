"""How audit entries name the parts of a case."""


def form_object(case_id: str, revision: int) -> str:
    """Return the name of a saved version of a form."""
    return f"{case_id}/form/{revision}"


def reason_object(case_id: str, seq: int) -> str:
    """Return the name of the reason given with a line of history."""
    return f"{case_id}/reason/{seq}"
