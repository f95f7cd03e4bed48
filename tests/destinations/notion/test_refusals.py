"""TE6: what is missing in Notion is named and the rest written; what passes is tried again."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from showup.destinations.contract import CannotRender, Delivered, GaveUp, Guest, TryAgain
from showup.destinations.kind import OverLimit
from tests.destinations.conformance.case import MEETING, NOW, notice
from tests.destinations.far.notion import FarNotion
from tests.destinations.notion.ours import BOOKED, DAY, Ours, contacts_of_types
from tests.destinations.wired import Freely


class TestWhatIsNotThere:
    """What can be written is written, and the rest named; what never can is given up with what to do."""

    async def test_a_property_that_is_missing(self, ours: Ours, far: FarNotion) -> None:
        ours.settings["call_date_property"] = "Diagnostic Call Dates"
        outcome = await ours.told()
        assert isinstance(outcome, Delivered)
        [note] = outcome.found["notes"]
        assert note.startswith("the contact database has no property 'Diagnostic Call Dates' (it has 'Diagnostic Call")
        assert note.endswith("add it in Notion, or set call_date_property")
        assert far.says(far.contact)["Booking Status"] == "Booked"

    async def test_a_type_that_cannot_hold_it(self, ours: Ours, far: FarNotion) -> None:
        contacts_of_types(ours, far, {"Email": "email", "Booking Status": "number", "Diagnostic Call Date": "date"})
        outcome = await ours.told()
        assert isinstance(outcome, Delivered)
        assert "is of the type number, which can't hold 'Booked'" in outcome.found["notes"][0]

    async def test_a_status_without_the_option(self, ours: Ours, far: FarNotion) -> None:
        ours.settings["booked"] = "Agreed"
        outcome = await ours.told()
        assert isinstance(outcome, Delivered)
        assert "has no option 'Agreed' (it has Lead, Booked" in outcome.found["notes"][0]
        assert far.says(far.contact)["Diagnostic Call Date"] == DAY

    async def test_none_of_the_properties(self, ours: Ours, far: FarNotion) -> None:
        contacts_of_types(ours, far, {"Email": "email"})
        outcome = await ours.told()
        assert isinstance(outcome, GaveUp)
        assert "set booking_status_property" in outcome.because

    async def test_the_property_of_the_email(self, ours: Ours) -> None:
        ours.settings["email_property"] = "E-Mail"
        outcome = await ours.told()
        assert isinstance(outcome, GaveUp)
        assert "(it has 'Email'): add it in Notion, or set email_property" in outcome.because

    async def test_a_database_that_is_not_shared_and_the_other_part_goes_on(self, ours: Ours, far: FarNotion) -> None:
        far.workspace.hidden.add(far.sequences)
        outcome = await ours.told()
        assert isinstance(outcome, GaveUp)
        assert "the email sequence database is not there for us: share it with the integration" in outcome.because
        assert far.says(far.contact) == BOOKED

    async def test_several_data_sources(self, ours: Ours, far: FarNotion) -> None:
        brokers = far.workspace.add_source(far.contacts, "Brokers", {"Email": "email", "Booking Status": "select"})
        outcome = await ours.told()
        assert isinstance(outcome, GaveUp)
        assert f"2 data sources: Everything ({far.page(far.contact).source}), Brokers ({brokers})" in outcome.because
        assert "Set contacts_data_source to one of them" in outcome.because
        ours.settings["contacts_data_source"] = far.page(far.contact).source
        assert isinstance(await ours.told(), Delivered)

    def test_who_is_known_by_phone_only(self, ours: Ours) -> None:
        news = replace(
            notice("booking.created"), meeting=replace(MEETING, guest=Guest(email="", phone="+4915112345678"))
        )
        with pytest.raises(CannotRender, match="known by phone only"):
            ours.built().render(news)


PASSING = [
    pytest.param("401", "destination", "NOTION_TOKEN", None, id="401 unauthorized"),
    pytest.param("403", "destination", "capabilities to read and to update", None, id="403 restricted_resource"),
    pytest.param("409", "delivery", "somebody else is changing", None, id="409 conflict_error"),
    pytest.param("429", "limit", "takes no more for now", 90, id="429 rate_limited, for longer than a minute"),
    pytest.param("503", "destination", "out of order", 90, id="503"),
    pytest.param("529", "destination", "overloaded", 90, id="529 service_overload"),
    pytest.param("html", "destination", "does not speak like Notion", None, id="200 with a web page"),
    pytest.param("lost", "destination", "broke the connection off", None, id="reset after it was done"),
]


@pytest.mark.parametrize(("fault", "whose", "because", "wait"), PASSING)
async def test_what_passes_is_tried_again_and_stands_once(
    ours: Ours, far: FarNotion, fault: str, whose: str, because: str, wait: int | None
) -> None:
    far.wait = 90
    far.faults.next(*[None] * 3, fault)
    outcome = await ours.told()
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == whose
    assert because in outcome.because
    assert far.key not in outcome.because
    assert outcome.not_before == (None if wait is None else NOW + timedelta(seconds=wait))
    assert isinstance(await ours.told(), Delivered)
    assert far.says(far.contact) == BOOKED
    assert far.effects == {far.contact: 1}


@pytest.mark.parametrize("call", range(7))
async def test_a_conflict_at_whichever_of_its_calls(ours: Ours, far: FarNotion, call: int) -> None:
    far.faults.next(*[None] * call, "409")
    assert isinstance(await ours.told(), TryAgain)
    assert isinstance(await ours.told(), Delivered)
    assert far.effects == {far.contact: 1}


async def test_a_wrong_token(ours: Ours, far: FarNotion) -> None:
    ours.key = "ntn_wrong"
    outcome = await ours.told()
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == "destination"
    assert not far.effects


async def test_types_are_asked_once_in_some_minutes(ours: Ours, far: FarNotion) -> None:
    await ours.told()
    assert (len(far.calls), ours.meter.taken) == (7, 6), "the first call is the delivery's own"
    await ours.told()
    assert len(far.calls) == 7 + 3
    ours.now += timedelta(minutes=6)
    await ours.told()
    assert len(far.calls) == 10 + 7


async def test_who_is_not_there_costs_no_other_look_at_the_types(ours: Ours, far: FarNotion) -> None:
    far.page(far.contact).in_trash = True
    await ours.told()
    far.calls.clear()
    await ours.told()
    assert [one.partition(" ")[0] for one in far.calls] == ["POST", "POST"]


async def test_a_property_that_is_added_meanwhile_is_seen_at_once(ours: Ours, far: FarNotion) -> None:
    source = far.workspace.sources[far.page(far.contact).source]["properties"]
    taken = source.pop("Diagnostic Call Date")
    outcome = await ours.told()
    assert isinstance(outcome, Delivered)
    assert "notes" in outcome.found
    source["Diagnostic Call Date"] = taken
    outcome = await ours.told()
    assert isinstance(outcome, Delivered)
    assert "notes" not in outcome.found


async def test_a_schema_that_changed_meanwhile_is_read_anew(ours: Ours, far: FarNotion) -> None:
    await ours.told()
    source = far.page(far.contact).source
    properties = far.workspace.sources[source]["properties"]
    properties["Booking Status"] = {"id": "s", "name": "Booking Status", "type": "rich_text", "rich_text": {}}
    far.page(far.contact).values.pop("Booking Status")
    ours.now += timedelta(seconds=1)
    outcome = await ours.told()
    assert isinstance(outcome, TryAgain)
    assert "Booking Status is expected to be rich_text" in outcome.because
    assert isinstance(await ours.told(), Delivered)
    assert far.says(far.contact)["Booking Status"] == "Booked"


async def test_a_limit_that_is_ours_is_waited_for(ours: Ours) -> None:
    class Full(Freely):
        async def take(self, calls: int = 1) -> None:
            await super().take(calls)
            raise OverLimit(NOW + timedelta(seconds=40))

    ours.meter = Full()
    outcome = await ours.told()
    assert outcome == TryAgain(
        because="more calls of Notion are waiting than it takes for now",
        not_before=NOW + timedelta(seconds=40),
        fault="limit",
    )
