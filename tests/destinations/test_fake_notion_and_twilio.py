"""The fake Notion and Twilio detect incorrect requests; otherwise tests with them would prove nothing."""

import httpx2
import pytest

from tests.destinations.fake_vendors.notion import FakeNotion
from tests.destinations.fake_vendors.twilio import ACCOUNT, TOKEN, FakeTwilio
from tests.vendors.openapi import vendor_document

JSON = {"Content-Type": "application/json", "Authorization": "Bearer ntn_far_key", "Notion-Version": "2026-03-11"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic QUM6dA=="}
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "/v1/pages/x", b'{"properties": 7}'),
        ("PATCH", "/v1/pages/x", b"{"),
        ("POST", "/v1/data_sources/x/query", b'{"page_size": "many"}'),
        ("POST", "/v1/databases/x/query", b"{}"),
        ("DELETE", "/v1/pages/x", b""),
    ],
)
def test_notions_document_forbids_it(method: str, path: str, body: bytes) -> None:
    assert vendor_document("notion").find_violation(method, path, JSON, body) is not None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", MESSAGES, b"Body=hello&From=%2B15005550006"),
        ("POST", MESSAGES, b"To=%2B15005550001&Body=hello&ValidityPeriod=99999"),
        ("POST", MESSAGES, b"To=%2B15005550001&Body=hello&MessagingServiceSid=MG1"),
        ("GET", f"{MESSAGES}?PageSize=5000", b""),
        ("GET", MESSAGES.replace(ACCOUNT, "AC1"), b""),
        ("GET", "/2010-04-01/Accounts.json", b""),
    ],
)
def test_twilios_document_forbids_it(method: str, path: str, body: bytes) -> None:
    assert vendor_document("twilio").find_violation(method, path, FORM, body) is not None


def test_notion_is_asked_in_a_version_that_it_has() -> None:
    with pytest.raises(AssertionError, match="Notion-Version None"), FakeNotion() as fake:
        response = httpx2.get(f"{fake.url}/pages/{fake.contact}", headers={"Authorization": f"Bearer {fake.key}"})
    assert (response.status_code, response.json()["code"]) == (400, "missing_version")


def test_twilio_is_sent_no_names_that_it_does_not_have() -> None:
    form = {"To": "+15005550001", "From": "+15005550006", "Body": "hello", "Colour": "red"}
    with pytest.raises(AssertionError, match=r"unknown names \['Colour'\]"), FakeTwilio() as fake:
        response = httpx2.post(f"{fake.url}{MESSAGES}", data=form, auth=(ACCOUNT, TOKEN))
    assert (response.status_code, fake.sent) == (400, [])
