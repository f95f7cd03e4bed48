"""What EmailBison says of leads and replies is cleaned as the rows of a file are, and nonsense changes nothing."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from showup.campaigns.lead import Signals
from showup.destinations.emailbison.objects import EmailBisonLead, Reply
from showup.sources.emailbison.leads import read_lead, read_reply

AT = datetime(2026, 9, 3, 8, tzinfo=UTC)
REPLY = {"id": 1, "campaign_id": 101, "date_received": "2026-09-03T08:00:00.000000Z", "folder": "Inbox"}
ANN = {"id": 7, "email": "Ann@ACME.example"}


def lead(**values: Any) -> EmailBisonLead:
    return msgspec.convert(ANN | {"lead_campaign_data": [{"campaign_id": 101}]} | values, EmailBisonLead, strict=False)


def signals(**values: Any) -> Signals | None:
    found = read_reply(msgspec.convert(REPLY | {"lead": ANN} | values, Reply, strict=False))
    return None if found is None else found.signals


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"first_name": "Ann", "last_name": "van  Dyk\n"}, ("Ann", "van Dyk", "Ann van Dyk")),
        ({"first_name": "There", "last_name": "N/A"}, (None, None, None)),
        ({"first_name": "A\0nn", "last_name": "x" * 900}, (None, "x" * 500, "x" * 500)),
    ],
)
def test_names_are_cleaned(values: dict[str, Any], expected: tuple[str | None, ...]) -> None:
    [found] = read_lead(lead(**values))
    assert (found.lead.first_name, found.lead.last_name, found.lead.name) == expected
    assert (found.lead.email, found.number, found.campaign_id) == ("ann@acme.example", 7, 101)


@pytest.mark.parametrize("email", [None, "", "none", "ann", "an\0n@acme.example", "@"])
def test_a_lead_without_a_valid_address_is_left_out(email: str | None) -> None:
    assert list(read_lead(lead(email=email))) == []


def test_a_lead_is_read_once_for_each_campaign() -> None:
    data = [
        {"campaign_id": "101", "status": "replied", "emails_sent": "3", "replies": "1", "interested": True},
        {"campaign_id": 102, "status": "bounced"},
        {"campaign_id": None, "status": "replied"},
    ]
    found = list(read_lead(lead(lead_campaign_data=data, status="unsubscribed")))
    assert [(one.campaign_id, one.signals) for one in found] == [
        (101, Signals(sent=3, replied=True, interested=True, bounced=False, unsubscribed=True)),
        (102, Signals(replied=False, interested=False, bounced=True, unsubscribed=True)),
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, Signals(replied=True, replied_at=AT)),
        ({"date_received": "2026-09-03T08:00:00"}, Signals(replied=True, replied_at=AT)),
        ({"interested": True}, Signals(replied=True, replied_at=AT, interested=True, interested_at=AT)),
        ({"automated_reply": True}, None),
        # A person marked an automatic answer as interested.
        (
            {"automated_reply": True, "interested": True},
            Signals(replied=True, replied_at=AT, interested=True, interested_at=AT),
        ),
        ({"folder": "Bounced"}, Signals(bounced=True, bounced_at=AT)),
        ({"type": "Bounced"}, Signals(bounced=True, bounced_at=AT)),
        ({"type": "Outgoing Email"}, None),
        ({"folder": "Sent"}, None),
        ({"campaign_id": None}, None),
        ({"lead": None}, None),
    ],
)
def test_a_reply_says_what_happened_and_when(values: dict[str, Any], expected: Signals | None) -> None:
    assert signals(**values) == expected


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4)


@given(st.dictionaries(st.sampled_from(EmailBisonLead.__struct_fields__), JSON))
def test_any_value_is_read_or_refused_as_malformed(values: dict[str, Any]) -> None:
    try:
        found = lead(**values)
    except msgspec.ValidationError:
        return
    for one in read_lead(found):
        texts = (one.lead.email, one.lead.name, one.lead.company)
        assert not any("\0" in text for text in texts if text is not None)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-12:00"])
def test_a_time_that_utc_does_not_have_counts_as_none(at: str) -> None:
    """The database would refuse it, and every lead that is read with it."""
    assert signals(date_received=at) == Signals(replied=True, replied_at=None)
