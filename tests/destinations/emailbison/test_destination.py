"""CA9: a lead's status follows at EmailBison, and the sequence of a lead who booked stops."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from showup.destinations.contract import Delivered, GaveUp, NothingToSend, TryAgain
from tests.destinations.conformance.case import MEETING, notification
from tests.destinations.emailbison.emailbison_connection import EmailBisonConnection
from tests.destinations.fake_vendors.emailbison import FakeEmailBison


def status(fake: FakeEmailBison) -> str | None:
    return fake.workspace.leads[1].variables.get("meeting_status")


def sequences(fake: FakeEmailBison) -> dict[int, str]:
    return {number: one.status for number, one in fake.workspace.leads[1].campaigns.items()}


class TestStatus:
    @pytest.mark.parametrize(
        ("kind", "expected"),
        [("booking.showed", "showed"), ("booking.no_show", "no_show"), ("booking.cancelled", "cancelled")],
    )
    async def test_the_status_follows_the_meeting(
        self, connection: EmailBisonConnection, fake: FakeEmailBison, kind: str, expected: str
    ) -> None:
        await connection.send()
        assert status(fake) == "booked"
        outcome = await connection.send(kind, record="1")
        assert (status(fake), outcome) == (
            expected,
            Delivered(provider="emailbison", reference="1", record="1", found={"set": {"status": expected}}),
        )

    async def test_other_fields_and_variables_stay(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        lead = fake.workspace.leads[1]
        lead.variables["linkedin"] = "https://linkedin.example/ann"
        before = replace_status(lead.shown())
        await connection.send()
        assert replace_status(lead.shown()) == before

    async def test_an_address_in_capitals_is_the_same(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        fake.workspace.leads[1].email = "Ann@ACME.example"
        await connection.send()
        assert status(fake) == "booked"

    async def test_who_is_no_lead_is_delivered_with_a_note(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        fake.workspace.leads.clear()
        outcome = await connection.send()
        assert outcome == Delivered(provider="emailbison", found={"notes": ["no lead in EmailBison has this email"]})

    async def test_a_number_instead_of_an_address_is_not_read_as_an_id(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        asked = notification("booking.created")
        meeting = replace(MEETING, guest=replace(MEETING.guest, email="1"))
        outcome = await connection.send_notification(replace(asked, meeting=meeting))
        assert isinstance(outcome, Delivered)
        assert (outcome.record, status(fake), fake.calls) == (None, None, [])

    async def test_a_late_event_changes_nothing(self, connection: EmailBisonConnection, fake: FakeEmailBison) -> None:
        """The cancellation was delivered before the booking was: the status stays."""
        await connection.send("booking.cancelled")
        await connection.send(superseded=True)
        assert status(fake) == "cancelled"

    async def test_another_meeting_ahead_keeps_the_status(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        await connection.send()
        ahead = replace(MEETING, start_time=MEETING.start_time + timedelta(days=1), end_time=None)
        outcome = await connection.send("booking.no_show", record="1", meeting_ahead=ahead)
        assert status(fake) == "booked"
        assert isinstance(outcome, Delivered)
        [note] = outcome.found["notes"]
        assert note == (
            "the status was not changed: another meeting is ahead on Sun 2026-09-13, 11:00 (Europe/Berlin, UTC+02:00)"
        )

    async def test_a_status_that_a_person_chose_stays(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        await connection.send()
        fake.workspace.leads[1].variables["meeting_status"] = "won"
        await connection.send("booking.no_show", record="1")
        assert status(fake) == "won"

    async def test_a_missing_variable_is_reported(self, connection: EmailBisonConnection, fake: FakeEmailBison) -> None:
        fake.workspace.variables.clear()
        outcome = await connection.send()
        assert isinstance(outcome, GaveUp)
        assert "no custom variable 'meeting_status': create it with `showup emailbison register`" in outcome.because

    async def test_an_attendee_without_email_is_skipped(self, connection: EmailBisonConnection) -> None:
        asked = notification("booking.created")
        meeting = replace(MEETING, guest=replace(MEETING.guest, email=""))
        with pytest.raises(NothingToSend, match="no email address"):
            await connection.send_notification(replace(asked, meeting=meeting))


class TestStoppedSequences:
    """Optional: EmailBison stops to write to who booked."""

    async def test_off_by_default(self, connection: EmailBisonConnection, fake: FakeEmailBison) -> None:
        await connection.send()
        assert sequences(fake) == {101: "in_sequence", 102: "in_sequence"}

    async def test_every_sequence_of_who_booked_stops(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        connection.settings["stop_sequence"] = True
        outcome = await connection.send()
        assert isinstance(outcome, Delivered)
        assert (outcome.found["stopped_campaigns"], sequences(fake)) == (
            [101, 102],
            {101: "sequence_stopped", 102: "sequence_stopped"},
        )

    async def test_what_has_ended_is_left_alone(self, connection: EmailBisonConnection, fake: FakeEmailBison) -> None:
        connection.settings["stop_sequence"] = True
        fake.workspace.leads[1].campaigns[101].status = "replied"
        outcome = await connection.send()
        assert isinstance(outcome, Delivered)
        assert (outcome.found["stopped_campaigns"], sequences(fake)[101]) == ([102], "replied")

    @pytest.mark.parametrize("kind", ["booking.no_show", "booking.cancelled", "booking.rescheduled"])
    async def test_only_a_booking_stops_it(
        self, connection: EmailBisonConnection, fake: FakeEmailBison, kind: str
    ) -> None:
        connection.settings["stop_sequence"] = True
        await connection.send(kind)
        assert set(sequences(fake).values()) == {"in_sequence"}

    async def test_a_booking_that_was_cancelled_meanwhile_stops_nothing(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        connection.settings["stop_sequence"] = True
        await connection.send(superseded=True)
        cancelled = replace(notification("booking.created"), meeting=replace(MEETING, status="CANCELLED"))
        await connection.send_notification(cancelled)
        assert set(sequences(fake).values()) == {"in_sequence"}

    async def test_a_fault_between_is_repaired_by_the_next_attempt(
        self, connection: EmailBisonConnection, fake: FakeEmailBison
    ) -> None:
        connection.settings["stop_sequence"] = True
        fake.faults.queue(None, None, "lost")
        outcome = await connection.send()
        assert isinstance(outcome, TryAgain)
        assert (outcome.record, outcome.found) == ("1", {"set": {"status": "booked"}})
        assert isinstance(await connection.send(number=2, record="1"), Delivered)
        assert set(sequences(fake).values()) == {"sequence_stopped"}


class TestHealthCheck:
    """`showup connections test` asks EmailBison."""

    async def test_all_is_well(self, connection: EmailBisonConnection, fake: FakeEmailBison) -> None:
        fake.workspace.variables = [f"variable {number}" for number in range(40)] + ["Meeting_Status"]
        assert await connection.check_health() == []
        assert not fake.effects

    FAULTS: tuple[Any, ...] = (
        pytest.param({"status_variable": "call"}, "no custom variable 'call'", id="variable"),
        pytest.param({"api_url": None}, "set EMAILBISON_URL, or api_url", id="no address"),
        pytest.param({"api_url": "dedi.emailbison.com"}, "such as https://dedi.emailbison.com", id="no scheme"),
    )

    @pytest.mark.parametrize(("settings", "says"), FAULTS)
    async def test_a_fault(self, connection: EmailBisonConnection, settings: dict[str, Any], says: str) -> None:
        connection.settings |= settings
        [fault] = await connection.check_health()
        assert says in fault

    async def test_a_refused_token(self, connection: EmailBisonConnection) -> None:
        connection.key = "2|wrong"
        [fault] = await connection.check_health()
        assert "Create an API token of that workspace" in fault

    async def test_the_address_may_end_in_api_or_not(self, connection: EmailBisonConnection) -> None:
        connection.settings["api_url"] = connection.fake.url.removesuffix("/api") + "/"
        assert await connection.check_health() == []


def replace_status(shown: dict[str, Any]) -> dict[str, Any]:
    kept = [one for one in shown["custom_variables"] if one["name"] != "meeting_status"]
    return shown | {"custom_variables": kept}
