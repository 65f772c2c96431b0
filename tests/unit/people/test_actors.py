"""Ids go everywhere, so they hold nothing personal."""

import pytest

from models.refusals import Refused
from services.clock import new_id
from services.people.actors import refuse_phone_numbers


@pytest.mark.parametrize(
    "name",
    [
        "13800000000",
        "zhang-13800000000",
        "req_13800000000_x",
        "１３８００００００００",
        "zhang13800000000",
        "张138\u20110000\u20110000",
        "138\u200b0000\u200b0000",
        "138.0000.0000",
    ],
)
def test_a_phone_number_is_no_id(name: str) -> None:
    with pytest.raises(Refused, match="personal_data_in_id"):
        refuse_phone_numbers("organiser", name)


@pytest.mark.parametrize(
    "name", ["organiser", "2024-fujian", "138000000001", "case-12345678901", "1389-1234-5678-9abc"]
)
def test_other_numbers_are(name: str) -> None:
    refuse_phone_numbers(name, new_id("req"))
