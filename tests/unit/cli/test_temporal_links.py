"""Links into the Temporal UI: the dates in their filters, and how a filter is written in one."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from cli.frame.temporal_links import filters, links

SUNDAY_LATE = datetime(2024, 5, 12, 15, 59, tzinfo=UTC)
"""23:59 of a Sunday in Beijing."""


def test_days_and_weeks_end_in_beijing() -> None:
    found = dict(filters(SUNDAY_LATE))
    assert len(found) == 10
    assert found["今日到期"].endswith('Deadline <= "2024-05-13T00:00:00+08:00"')
    assert found["本周到期"].endswith('Deadline <= "2024-05-13T00:00:00+08:00"')
    assert 'CloseTime >= "2024-05-05T00:00:00+08:00"' in found["近七天逾期或撤回"]


def test_an_address_leads_to_its_list() -> None:
    for each in links("http://127.0.0.1:8233", "tuixuan", SUNDAY_LATE):
        assert each.url is not None
        url = urlsplit(each.url)
        assert (url.netloc, url.path) == ("127.0.0.1:8233", "/namespaces/tuixuan/workflows")
        assert parse_qs(url.query) == {"query": [each.query]}


def test_without_an_address_the_filters_are_known() -> None:
    assert {each.url for each in links(None, "tuixuan", SUNDAY_LATE)} == {None}
