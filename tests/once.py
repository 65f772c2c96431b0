"""A set-up that is done once, and fails once."""

from collections.abc import Callable


class SetUpFailed(Exception):
    """What a test stands on could not be made; the cause was told where it was tried."""


class Once[Owner, Made]:
    """A property that is worked out at the first asking. A failure stays one, with its cause.

    To try again what broke halfway would only find what the first attempt left, and hide why.
    """

    def __init__(self, make: Callable[[Owner], Made]) -> None:
        self._make, self._name = make, make.__name__

    def __get__(self, owner: Owner, _class: type[Owner]) -> Made:
        failure = f"_failure_of_{self._name}"
        if before := vars(owner).get(failure):
            raise SetUpFailed(f"{self._name}: {before!r}") from before
        try:
            made = self._make(owner)
        except BaseException as error:
            vars(owner)[failure] = error
            raise
        vars(owner)[self._name] = made  # found before this property from now on
        return made
