"""`Refused`: the one way in which the domain says no."""


class Refused(Exception):
    """A lawful "no": a code that programs read and words that people act on.

    Both values are the exception's `args`, so it pickles and copies as it is.

    Attributes:
        code: stable English snake_case, e.g. `cutoff_passed`.
        message: one Chinese sentence that says what to do about it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


def unknown_season(season_id: str) -> Refused:
    """Return the refusal of a season id that is not on record."""
    return Refused("unknown_season", f"没有征集季 {season_id}（tuixuan season list）。")


def bad_cursor() -> Refused:
    """Return the refusal of a cursor that no page gave."""
    return Refused("bad_cursor", "看不懂 --cursor，请原样使用上一页给出的 next_cursor。")
