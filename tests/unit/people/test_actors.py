"""Ids go everywhere, so they hold nothing personal."""

import pytest

from models.refusals import Refused
from services.clock import new_id
from services.people.actors import refuse_phone_numbers


@pytest.mark.parametrize("name", ["13800000000", "zhang-13800000000", "req_13800000000_x"])
def test_a_phone_number_is_no_id(name: str) -> None:
    with pytest.raises(Refused, match="personal_data_in_id"):
        refuse_phone_numbers("organiser", name)


@pytest.mark.parametrize("name", ["organiser", "2024-fujian", "138000000001", "case-12345678901"])
def test_other_numbers_are(name: str) -> None:
    refuse_phone_numbers(name, new_id("req"))
