"""TE6: Showup reports what is missing in Notion and writes the rest; temporary faults are retried."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from showup.destinations.contract import CannotRender, Delivered, GaveUp, Guest, TryAgain
from showup.destinations.destination_kind import OverLimit
from tests.destinations.conformance.case import MEETING, NOW, notification
from tests.destinations.connected_scenario import UnlimitedMeter
from tests.destinations.fake_vendors.notion import FakeNotion
from tests.destinations.notion.notion_connection import BOOKED, DAY, NotionConnection, contacts_of_types


class TestMissing:
    """Showup writes what it can and reports the rest; a permanent fault fails with an action for a person."""

    async def test_a_property_that_is_missing(self, connection: NotionConnection, fake: FakeNotion) -> None:
        connection.settings["call_date_property"] = "Diagnostic Call Dates"
        outcome = await connection.send()
        assert isinstance(outcome, Delivered)
        [note] = outcome.found["notes"]
        assert note.startswith(
            "the contact database has no property 'Diagnostic Call Dates' (did you mean 'Diagnostic Call"
        )
        assert note.endswith("add it in Notion, or set call_date_property")
        assert fake.properties_of(fake.contact)["Booking Status"] == "Booked"

    async def test_a_type_that_cannot_hold_it(self, connection: NotionConnection, fake: FakeNotion) -> None:
        contacts_of_types(
            connection, fake, {"Email": "email", "Booking Status": "number", "Diagnostic Call Date": "date"}
        )
        outcome = await connection.send()
        assert isinstance(outcome, Delivered)
        assert "has the type number, which can't store 'Booked'" in outcome.found["notes"][0]

    async def test_a_status_without_the_option(self, connection: NotionConnection, fake: FakeNotion) -> None:
        connection.settings["booked"] = "Agreed"
        outcome = await connection.send()
        assert isinstance(outcome, Delivered)
        assert "has no option 'Agreed' (it has Lead, Booked" in outcome.found["notes"][0]
        assert fake.properties_of(fake.contact)["Diagnostic Call Date"] == DAY

    async def test_none_of_the_properties(self, connection: NotionConnection, fake: FakeNotion) -> None:
        contacts_of_types(connection, fake, {"Email": "email"})
        outcome = await connection.send()
        assert isinstance(outcome, GaveUp)
        assert "set booking_status_property" in outcome.because

    async def test_the_property_of_the_email(self, connection: NotionConnection) -> None:
        connection.settings["email_property"] = "E-Mail"
        outcome = await connection.send()
        assert isinstance(outcome, GaveUp)
        assert "(did you mean 'Email'?): add it in Notion, or set email_property" in outcome.because

    async def test_a_database_that_is_not_shared_and_the_other_part_goes_on(
        self, connection: NotionConnection, fake: FakeNotion
    ) -> None:
        fake.workspace.hidden.add(fake.sequences)
        outcome = await connection.send()
        assert isinstance(outcome, GaveUp)
        assert "Notion did not find the email sequence database: share it with the integration" in outcome.because
        assert fake.properties_of(fake.contact) == BOOKED

    async def test_several_data_sources(self, connection: NotionConnection, fake: FakeNotion) -> None:
        brokers = fake.workspace.add_source(fake.contacts, "Brokers", {"Email": "email", "Booking Status": "select"})
        outcome = await connection.send()
        assert isinstance(outcome, GaveUp)
        assert f"2 data sources: Everything ({fake.page(fake.contact).source}), Brokers ({brokers})" in outcome.because
        assert "Set contacts_data_source to one of them" in outcome.because
        connection.settings["contacts_data_source"] = fake.page(fake.contact).source
        assert isinstance(await connection.send(), Delivered)

    def test_who_is_known_by_phone_only(self, connection: NotionConnection) -> None:
        phone_only = replace(
            notification("booking.created"), meeting=replace(MEETING, guest=Guest(email="", phone="+4915112345678"))
        )
        with pytest.raises(CannotRender, match="has no email address"):
            connection.build().render(phone_only)


PASSING = [
    pytest.param("401", "destination", "NOTION_TOKEN", None, id="401 unauthorized"),
    pytest.param("403", "destination", "capabilities to read and update", None, id="403 restricted_resource"),
    pytest.param("409", "delivery", "still processing another request", None, id="409 conflict_error"),
    pytest.param("429", "limit", "rate limit reached", 90, id="429 rate_limited, for longer than a minute"),
    pytest.param("503", "destination", "unavailable", 90, id="503"),
    pytest.param("529", "destination", "overloaded", 90, id="529 service_overload"),
    pytest.param("html", "destination", "not Notion's API", None, id="200 with a web page"),
    pytest.param("lost", "destination", "closed the connection", None, id="reset after it was done"),
]


@pytest.mark.parametrize(("fault", "whose", "because", "wait"), PASSING)
async def test_a_passing_fault_is_retried_and_written_once(
    connection: NotionConnection, fake: FakeNotion, fault: str, whose: str, because: str, wait: int | None
) -> None:
    fake.wait = 90
    fake.faults.queue(*[None] * 3, fault)
    outcome = await connection.send()
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == whose
    assert because in outcome.because
    assert fake.key not in outcome.because
    assert outcome.not_before == (None if wait is None else NOW + timedelta(seconds=wait))
    assert isinstance(await connection.send(), Delivered)
    assert fake.properties_of(fake.contact) == BOOKED
    assert fake.effects == {fake.contact: 1}


@pytest.mark.parametrize("call", range(7))
async def test_a_conflict_at_whichever_of_its_calls(connection: NotionConnection, fake: FakeNotion, call: int) -> None:
    fake.faults.queue(*[None] * call, "409")
    assert isinstance(await connection.send(), TryAgain)
    assert isinstance(await connection.send(), Delivered)
    assert fake.effects == {fake.contact: 1}


async def test_a_wrong_token(connection: NotionConnection, fake: FakeNotion) -> None:
    connection.key = "ntn_wrong"
    outcome = await connection.send()
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == "destination"
    assert not fake.effects


async def test_types_are_asked_once_in_some_minutes(connection: NotionConnection, fake: FakeNotion) -> None:
    await connection.send()
    assert (len(fake.calls), connection.meter.taken) == (7, 6), "the dispatcher counts the delivery's first call"
    await connection.send()
    assert len(fake.calls) == 7 + 3
    connection.now += timedelta(minutes=6)
    await connection.send()
    assert len(fake.calls) == 10 + 7


async def test_who_is_not_there_costs_no_other_look_at_the_types(
    connection: NotionConnection, fake: FakeNotion
) -> None:
    fake.page(fake.contact).in_trash = True
    await connection.send()
    fake.requests.clear()
    await connection.send()
    assert [one.partition(" ")[0] for one in fake.calls] == ["POST", "POST"]


async def test_a_property_that_is_added_meanwhile_is_seen_at_once(
    connection: NotionConnection, fake: FakeNotion
) -> None:
    source = fake.workspace.sources[fake.page(fake.contact).source]["properties"]
    taken = source.pop("Diagnostic Call Date")
    outcome = await connection.send()
    assert isinstance(outcome, Delivered)
    assert "notes" in outcome.found
    source["Diagnostic Call Date"] = taken
    outcome = await connection.send()
    assert isinstance(outcome, Delivered)
    assert "notes" not in outcome.found


async def test_a_changed_schema_is_read_again(connection: NotionConnection, fake: FakeNotion) -> None:
    await connection.send()
    source = fake.page(fake.contact).source
    properties = fake.workspace.sources[source]["properties"]
    properties["Booking Status"] = {"id": "s", "name": "Booking Status", "type": "rich_text", "rich_text": {}}
    fake.page(fake.contact).values.pop("Booking Status")
    connection.now += timedelta(seconds=1)
    outcome = await connection.send()
    assert isinstance(outcome, TryAgain)
    assert "Booking Status is expected to be rich_text" in outcome.because
    assert isinstance(await connection.send(), Delivered)
    assert fake.properties_of(fake.contact)["Booking Status"] == "Booked"


async def test_a_limit_that_is_ours_is_waited_for(connection: NotionConnection) -> None:
    class Full(UnlimitedMeter):
        async def take(self, calls: int = 1) -> None:
            await super().take(calls)
            raise OverLimit(NOW + timedelta(seconds=40))

    connection.meter = Full()
    outcome = await connection.send()
    assert outcome == TryAgain(
        because="too many calls to Notion are waiting for its rate limit",
        not_before=NOW + timedelta(seconds=40),
        fault="limit",
    )
