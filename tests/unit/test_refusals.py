"""A refusal keeps its two values wherever it travels."""

import copy
import pickle

import pytest

from models.refusals import Refused


def test_text_is_code_then_message() -> None:
    refused = Refused("cutoff_passed", "截止时间已过")

    assert (refused.code, refused.message) == ("cutoff_passed", "截止时间已过")
    assert str(refused) == "cutoff_passed: 截止时间已过"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_survives_pickling(protocol: int) -> None:
    refused = Refused("cutoff_passed", "截止时间已过")

    again = pickle.loads(pickle.dumps(refused, protocol))  # noqa: S301 - our own bytes

    assert (type(again), again.code, again.message) == (Refused, refused.code, refused.message)


def test_survives_copying() -> None:
    refused = Refused("cutoff_passed", "截止时间已过")

    assert str(copy.deepcopy(refused)) == str(refused)
