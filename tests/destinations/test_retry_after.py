"""One parser for the retry times of all vendors (reference: Retry-After differs)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showup.destinations.retry_after import limit_ends_at, retry_after

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("headers", "body", "moment"),
    [
        pytest.param({"retry-after": "7"}, None, after(7), id="seconds: Resend, Notion, Slack, HubSpot"),
        pytest.param({"retry-after": "90"}, None, after(90), id="more than a minute: Notion"),
        pytest.param({"retry-after": "Mon, 02 Mar 2026 09:00:30 GMT"}, None, after(30), id="a date: Attio"),
        pytest.param(
            {"retry-after": "Mon, 02 Mar 2026 10:00:30 GMT", "date": "Mon, 02 Mar 2026 10:00:00 GMT"},
            None,
            after(30),
            id="a date by a clock that is not ours",
        ),
        pytest.param(
            {"x-ratelimit-reset": f"{NOW.timestamp() + 42:.0f}"}, None, after(42), id="a moment in unix time: ClickUp"
        ),
        pytest.param({"x-ratelimit-reset": "2"}, None, after(2), id="the same name with seconds: Pipedrive"),
        pytest.param({"ratelimit-reset": "3"}, None, after(3), id="seconds to the reset: Resend"),
        pytest.param({"ratelimit": "limit=100, remaining=0, reset=5"}, None, after(5), id="in one header: Close"),
        pytest.param({"retry-after-ms": "1500", "retry-after": "2"}, None, after(1.5), id="thousandths are closer"),
        pytest.param({}, {"error": "rate_limited", "retry_after": 8}, after(8), id="in the body: EmailBison"),
        pytest.param({"retry-after": "9", "ratelimit-reset": "1"}, None, after(9), id="the plainest word wins"),
        pytest.param({"retry-after": "soon", "ratelimit-reset": "1"}, None, after(1), id="garbage gives way"),
        pytest.param({"retry-after": "0"}, None, NOW, id="now"),
        pytest.param({"retry-after": "Mon, 02 Mar 2026 08:00:00 GMT"}, None, NOW, id="a date that is over"),
        pytest.param({"retry-after": "999999999"}, None, NOW + DAY, id="no more than a day"),
        pytest.param({"x-ratelimit-reset": "99999999999"}, None, NOW + DAY, id="a moment in a far year"),
        pytest.param({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, None, NOW + DAY, id="a date in a far year"),
        pytest.param({}, None, None, id="nothing said"),
        pytest.param({"retry-after": "-5"}, None, None, id="before now is no wait"),
        pytest.param({"retry-after": ""}, None, None, id="empty"),
        pytest.param({"retry-after": "nan"}, None, None, id="not a number"),
        pytest.param({"retry-after": "9" * 400}, None, None, id="a number beyond sense"),
        pytest.param({}, {"retry_after": None}, None, id="nothing in the body"),
        pytest.param({}, ["retry_after"], None, id="another body"),
    ],
)
def test_each_dialect(headers: dict[str, str], body: object, moment: datetime | None) -> None:
    assert limit_ends_at(headers, NOW, body) == moment


@pytest.mark.parametrize("name", ["x-ratelimit-reset", "ratelimit-reset"])
def test_the_reset_of_a_limit_delays_no_other_error(name: str) -> None:
    """ClickUp and Resend send it with every response."""
    assert limit_ends_at({name: "42"}, NOW) == after(42)
    assert retry_after({name: "42"}, NOW) is None
    assert retry_after({name: "42", "retry-after": "7"}, NOW) == after(7)


NAMES = ["retry-after", "retry-after-ms", "ratelimit-reset", "x-ratelimit-reset", "ratelimit", "date"]


@given(
    headers=st.dictionaries(st.sampled_from(NAMES), st.text() | st.integers().map(str) | st.datetimes().map(str)),
    body=st.none() | st.text() | st.dictionaries(st.just("retry_after"), st.floats() | st.integers() | st.text()),
)
def test_whatever_they_say_is_nothing_or_within_a_day(headers: dict[str, str], body: object) -> None:
    moment = limit_ends_at(headers, NOW, body)
    assert moment is None or NOW <= moment <= NOW + DAY


@given(days=st.integers(-(10**10), 10**10), zone=st.integers(0, 10**12), year=st.integers(0, 10**6))
def test_no_date_is_too_strange(days: int, zone: int, year: int) -> None:
    moment = limit_ends_at({"retry-after": f"Mon, {days} Mar {year} 09:00:00 +{zone}"}, NOW)
    assert moment is None or NOW <= moment <= NOW + DAY
