"""Cal.com's document refuses the calls that no client of Cal.com should make."""

import pytest

from tests.vendors.calcom.document import calcom_document

DOCUMENT = calcom_document()
KEY = {"Authorization": "Bearer cal_1"}
VERSION = KEY | {"Cal-Api-Version": "2026-05-01"}
WRONG = [
    pytest.param("GET", "/v2/me", {}, b"", "Authorization", id="no key"),
    pytest.param("GET", "/v2/bookings", KEY, b"", "cal-api-version", id="no version"),
    pytest.param("GET", "/v2/bookings?take=many", VERSION, b"", "take", id="no number"),
    pytest.param("GET", "/v2/bookings?after=1", VERSION, b"", "unknown names", id="an unknown name"),
    pytest.param("GET", "/v2/webhooks?limit=1", KEY, b"", "unknown names", id="a name of another call"),
    pytest.param("GET", "/v2/slots?start=2026-03-04", VERSION, b"", "end", id="half a span"),
    pytest.param("GET", "/v2/hooks", KEY, b"", "PathNotFound", id="an unknown path"),
    pytest.param("POST", "/v2/webhooks", KEY, b'{"active": true, "triggers": []}', "subscriberUrl", id="no address"),
    pytest.param("POST", "/v2/bookings/a/mark-absent", VERSION, b'{"host": "yes"}', "boolean", id="text for a flag"),
    pytest.param("POST", "/v2/bookings/a/mark-absent", VERSION, b'{"hosts": true}', "unknown names", id="a typo"),
]


@pytest.mark.parametrize(("method", "target", "headers", "body", "complaint"), WRONG)
def test_each_invalid_call_is_reported(
    method: str, target: str, headers: dict[str, str], body: bytes, complaint: str
) -> None:
    assert complaint in (DOCUMENT.find_violation(method, target, headers, body) or "")


def test_valid_calls_are_accepted() -> None:
    assert DOCUMENT.find_violation("GET", "/v2/bookings?limit=1&cursor=a&status=past", VERSION, b"") is None
    assert DOCUMENT.find_violation("POST", "/v2/bookings/a/mark-absent", VERSION, b'{"host": true}') is None
