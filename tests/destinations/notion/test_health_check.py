"""TE6: `showup doctor` reports what is missing before a booking needs it."""

from typing import Any

import pytest

from tests.destinations.fake_vendors.notion import FakeNotion
from tests.destinations.notion.notion_connection import NotionConnection


class TestHealthCheck:
    """`showup doctor` reports what is missing before a booking needs it."""

    async def test_all_is_well(self, connection: NotionConnection, fake: FakeNotion) -> None:
        assert await connection.check_health() == []
        assert not fake.effects

    FAULTS: tuple[Any, ...] = (
        pytest.param({"booked": "Agreed"}, "has no option 'Agreed'", id="option"),
        pytest.param({"email_property": "Name2"}, "set email_property", id="email"),
        pytest.param({"call_date_property": "Booking Status"}, "set call_date_property", id="type"),
        pytest.param({"sequence_reminder_properties": {"2h": "Email 8 Sent"}}, "no property 'Email 8 Sent'", id="sent"),
        pytest.param({"sequence_reminder_properties": "soon=Email 5 Sent"}, "'soon' should be a duration", id="span"),
        pytest.param({"contacts_database": "x"}, "contacts_database is not a Notion id", id="id"),
        pytest.param({"contacts_database": ""}, "set contacts_database", id="no database"),
        pytest.param({"contacts_database": "0" * 32}, "Notion did not find the contact database", id="another"),
    )

    @pytest.mark.parametrize(("settings", "says"), FAULTS)
    async def test_a_fault(self, connection: NotionConnection, settings: dict[str, Any], says: str) -> None:
        connection.settings |= settings
        found = await connection.check_health()
        assert len(found) == 1
        assert says in found[0]

    async def test_a_refused_key_is_reported_once(self, connection: NotionConnection) -> None:
        connection.key = "ntn_wrong"
        [fault] = await connection.check_health()
        assert "NOTION_TOKEN" in fault
