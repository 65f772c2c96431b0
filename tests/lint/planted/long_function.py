# check: sizes
# at: services/planted.py
# says: services/planted.py:Planted.too_long: 31 lines, at most 30 are allowed
"""A function that does too much."""


class Planted:
    """Holds it."""

    def just_short_enough(
        self,
        value: int,
    ) -> int:
        """Return a sum.

        Docstrings are not counted.
        """
        return value

    def too_long(self, value: int) -> int:
        """Return a sum."""
        value += 1
        value += 2
        value += 3
        value += 4
        value += 5
        value += 6
        value += 7
        value += 8
        value += 9
        value += 10
        value += 11
        value += 12
        value += 13
        value += 14
        value += 15
        value += 16
        value += 17
        value += 18
        value += 19
        value += 20
        value += 21
        value += 22
        value += 23
        value += 24
        value += 25
        value += 26
        value += 27
        value += 28

        return value
