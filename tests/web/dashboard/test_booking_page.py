"""AP2, AP4: the page of a booking: evidence, attendees one by one, messages, the matched lead; and the dry run."""

from datetime import timedelta
from typing import Any

import pytest

from showup.campaigns.campaign import FIRST_OWN_ID
from showup.campaigns.lead import lead_id
from showup.database import tables
from tests.histories.webhooks import BEN, body, payload
from tests.web.dashboard.conftest import Browser, BrowserFactory
from tests.web.sample_data import SampleData, add_delivery, id_of
from tests.web.scenario import HOUR, MONDAY, TODAY, Scenario, ingest_and_project

PAIR = ["gus@umbrella.com", "sam@umbrella.com"]
PART = {"HX-Request": "true"}


@pytest.fixture
def member(teammate_of: BrowserFactory) -> Browser:
    return teammate_of("member")


async def add_pair(scenario: Scenario, **fields: Any) -> Any:
    """Adds a meeting of yesterday with two attendees; returns its id."""
    start = TODAY - timedelta(days=1)
    details = payload("pair", 7, start, PAIR, **fields)
    bodies = [body("BOOKING_CREATED", MONDAY, details), body("MEETING_ENDED", start + HOUR, details)]
    await ingest_and_project(scenario.engine, "ours", bodies, lambda: TODAY - HOUR)
    return await scenario.booking_id("pair")


async def marks(scenario: Scenario, booking: Any) -> dict[str, tuple[bool | None, str | None]]:
    rows = await scenario.rows("booking_attendees", booking_id=booking)
    return {row["email"]: (row["attended"], row["attendance_evidence"]) for row in rows}


async def test_evidence_asks_until_a_person_answers(scenario: Scenario, member: Browser) -> None:
    booking = await scenario.booking_id("met")
    page = (await member.get(f"/bookings/{booking}")).text
    for words in (
        "Did Sarah come?",
        "no report yet",
        "only Cal Video tells who joined",
        "“meeting ended”, sent by Cal.com",
    ):
        assert words in page, words
    part = await member.post(f"/bookings/{booking}/outcome", outcome="no_show", headers=PART)
    for words in ("Sarah did not come", "You reported it just now.", "No, they showed", "deal moved Met → Booked"):
        assert words in part.text, words
    ahead = await scenario.booking_id("ahead")
    assert "Sarah is expected" in (await member.get(f"/bookings/{ahead}")).text
    early = await member.post(f"/bookings/{ahead}/outcome", outcome="showed")
    assert (early.status_code, "the meeting starts at" in early.text) == (422, True)
    off = (await member.get(f"/bookings/{await scenario.booking_id('off')}")).text
    assert "This meeting will not take place" in off


async def test_a_meeting_of_the_team_alone_keeps_its_outcome(scenario: Scenario, member: Browser) -> None:
    """Who books themselves to try Showup meets no attendee from outside: only the outcome says how it went."""
    start = TODAY - HOUR
    details = payload("own", 8, start, [BEN.email])
    await ingest_and_project(scenario.engine, "ours", [body("BOOKING_CREATED", MONDAY, details)], lambda: start)
    booking = await scenario.booking_id("own")
    shown = (await member.post(f"/bookings/{booking}/outcome", outcome="showed", headers=PART)).text
    assert "You reported it just now." in shown
    assert "belongs to no company" in shown
    assert str(booking) not in (await member.get("/outcomes?who=team")).text


async def test_attendees_are_reported_one_by_one(scenario: Scenario, member: Browser) -> None:
    booking = await add_pair(scenario)
    path = f"/bookings/{booking}/attendee"
    assert "each is reported on its own" in (await member.get(f"/bookings/{booking}")).text
    part = await member.post(path, attendee="1", came="no_show", headers=PART)
    assert "Sam did not come." in part.text
    assert "Did Gus come?" in part.text, "the booking's report is the booker's"
    assert await marks(scenario, booking) == {PAIR[0]: (True, "assumed"), PAIR[1]: (False, "reported")}
    assert (await member.post(path, attendee="1", came="unknown")).status_code == 303
    assert (await marks(scenario, booking))[PAIR[1]] == (None, None)
    assert (await member.post(path, attendee="7", came="showed")).status_code == 404
    assert (await member.post(path, attendee="1", came="perhaps")).status_code == 422


async def test_messages_are_folded_and_failed_ones_retried(scenario: Scenario, member: Browser) -> None:
    booking = await scenario.booking_id("met")
    data = SampleData()
    late = {"expires_at": TODAY + timedelta(days=9)}
    for number, before in enumerate((259_200, 86_400, 7_200)):
        at = TODAY - timedelta(days=7, hours=-number)
        sent = {"kind": "reminder", "details": {"before_seconds": before}, "delivered_at": at, "updated_at": at}
        add_delivery(data, "ours", f"reminder {number}", "met", "delivered", booking_id=booking, **sent)
    broken = {"destination": "notion", "kind": "reminder", "attempts": 5, "because": "API token is invalid", **late}
    add_delivery(data, "ours", "broken", "met", "failed", booking_id=booking, **broken)
    near = {"kind": "rescheduled", "because": "meeting_too_soon"}
    add_delivery(data, "ours", "near", "met", "skipped", booking_id=booking, **near)
    await data.insert_into(scenario.engine)
    page = (await member.get(f"/bookings/{booking}")).text
    for words in ("Delivered, 3 of 3", "72 h, 24 h, 2 h before", "Failed, 5 attempts", "API token is invalid"):
        assert words in page, words
    assert "The meeting was too near" in page
    assert "3 reminders" in page.partition('id="timeline"')[2]
    assert (
        "3 reminders" not in (await member.get(f"/bookings/{booking}?show=changes")).text.partition('id="timeline"')[2]
    )
    part = await member.post(f"/bookings/{booking}/retry", destination="notion", kind="reminder", headers=PART)
    assert "It will be tried again." in part.text
    [row] = await scenario.rows("deliveries", id=id_of("ours.broken"))
    assert row["state"] == "scheduled"
    nothing = await member.post(f"/bookings/{booking}/retry", destination="notion", kind="reminder")
    assert (nothing.status_code, "nothing of this kind has failed" in nothing.text) == (422, True)


async def test_the_matched_lead_says_how_and_is_ruled_out(scenario: Scenario, member: Browser) -> None:
    data = SampleData()
    campaign = {"workspace_id": "ours", "id": FIRST_OWN_ID, "source": "csv", "name": "Energy · pilot"}
    data.add(tables.campaigns, **campaign, created_at=MONDAY)
    lead = lead_id(id_of("ours"), PAIR[0])
    data.add(tables.leads, id=lead, workspace_id="ours", email=PAIR[0], name="Gus", created_at=MONDAY)
    member_row = {"workspace_id": "ours", "campaign_id": FIRST_OWN_ID, "lead_id": lead, "sent": 3}
    data.add(tables.campaign_leads, **member_row, first_sent_at=MONDAY - timedelta(days=9), interested_at=MONDAY)
    await data.insert_into(scenario.engine)
    booking = await add_pair(scenario, responses={"team-size": {"label": "Team size", "value": "40 to 60"}})
    page = (await member.get(f"/bookings/{booking}")).text
    for words in ("Energy · pilot", "Exact address", "First mail Sat 29 Aug", "Not this lead"):
        assert words in page, words
    [match] = await scenario.rows("matches", booking_id=booking)
    part = await member.post(f"/matches/{match['id']}/undo", headers=PART)
    assert "None. No campaign is known" in part.text
    assert "Not the lead" in part.text
    assert f'action="../../matches/{match["id"]}/restore"' in part.text
    assert (await member.post(f"/matches/{match['id']}/undo")).status_code == 404
    assert "Matched by hand" in (await member.post(f"/matches/{match['id']}/restore", headers=PART)).text
    assert (await member.post(f"/matches/{match['id']}/restore")).status_code == 404


async def test_what_an_answer_does_is_tried_and_taken_back(scenario: Scenario, member: Browser) -> None:
    booking = await scenario.booking_id("met")
    path = f"/outcome/{booking}/consequences"
    tables_before = [await scenario.rows(name) for name in ("bookings", "deals", "audit_log", "deliveries")]
    events_before = len(await scenario.rows("inbox_events"))
    for form, expected in (
        ({"outcome": "no_show"}, "Counts Sarah as no-show, reported by you. Moves the deal Met → Booked."),
        ({"outcome": "showed"}, "Counts Sarah as showed, reported by you. The deal stays in Met."),
        ({"outcome": "showed", "stage": "proposal"}, "Moves the deal Met → Proposal."),
        ({"outcome": "showed", "amount": "5,000", "currency": "EUR"}, "Its amount becomes €5,000."),
        ({"outcome": "showed", "amount": "much", "currency": "EUR"}, "Write an amount"),
        ({}, "Choose what happened"),
    ):
        part = await member.post(path, headers=PART, **form)
        assert (form, part.status_code, expected in part.text) == (form, 200, True), part.text
    page = await member.post(path, outcome="no_show", notes="typed with care")
    assert "Moves the deal Met → Booked." in page.text
    assert "typed with care" in page.text
    ahead = await scenario.booking_id("ahead")
    early = await member.post(f"/outcome/{ahead}/consequences", outcome="showed", headers=PART)
    assert "This would be refused: the meeting starts at" in early.text
    assert [await scenario.rows(name) for name in ("bookings", "deals", "audit_log", "deliveries")] == tables_before
    assert len(await scenario.rows("inbox_events")) == events_before
