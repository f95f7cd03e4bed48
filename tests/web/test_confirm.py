"""TE14: the page `/r/TOKEN`, on which an attendee says that they will come."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from showup.access.secrets_at_rest import Seal
from showup.container import event_handlers
from showup.outbox.confirm_tokens import Invitation, make_confirm_token
from showup.outbox.unsubscribe_tokens import make_token
from showup.web.app import create_app
from showup.web.http.app_state import MailSecrets
from showup.web.http.key_throttle import WRONG_KEYS_AT_ONCE
from showup.web.http.middleware import with_middleware
from tests.histories.rebuild_check import rebuild_differences
from tests.histories.webhooks import attendee, body, payload
from tests.web.sample_data import ADMIN_KEY, id_of
from tests.web.scenario import DAY, HOUR, TODAY, Scenario, ingest_and_project

SARAH = "sarah@acme.com"
SEAL = Seal(["a key for tests"])
YES_BUTTON = ">Yes, see you then</button>"


class Attendee:
    """An attendee who opens links; `now` is Showup's time."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.now = scenario, TODAY
        app = create_app(
            engine=scenario.engine,
            clock=lambda: self.now,
            admin_key=ADMIN_KEY,
            version="0.0.0",
            mail_secrets=MailSecrets(seal=SEAL),
            calcom_api_url="https://api.cal.example/v2",
            event_handlers=event_handlers(),
        )
        transport = httpx2.ASGITransport(app=with_middleware(app, cors_origins=[]))
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://showup.example")

    async def link(self, uid: str = "ahead", start: datetime = TODAY + DAY, email: str = SARAH, **other: Any) -> str:
        booking_id = other.pop("booking_id", None) or await self.scenario.booking_id(uid)
        invitation = Invitation(
            **{"workspace_id": id_of("ours"), "booking_id": booking_id, "start_time": start, "email": email} | other
        )
        return f"/r/{make_confirm_token(SEAL, invitation)}"

    async def receive(self, trigger: str, at: datetime, fields: dict[str, Any]) -> None:
        await ingest_and_project(self.scenario.engine, "ours", [body(trigger, at, fields)], lambda: at)

    async def confirmed_at(self, uid: str = "ahead") -> list[datetime | None]:
        rows = await self.scenario.rows("booking_attendees", booking_id=await self.scenario.booking_id(uid))
        return [row["confirmed_at"] for row in rows]

    async def confirmations(self) -> list[dict[str, Any]]:
        return await self.scenario.commands(actor="attendee")


@pytest.fixture
async def attendee_(scenario: Scenario) -> AsyncIterator[Attendee]:
    opened = Attendee(scenario)
    async with opened.client:
        yield opened


async def test_opening_the_link_shows_one_button_and_changes_nothing(attendee_: Attendee) -> None:
    link = await attendee_.link()
    before = await attendee_.scenario.rows("inbox_events")
    for method in ("GET", "HEAD", "GET"):
        response = await attendee_.client.request(method, link)
        assert response.status_code == 200
    assert response.text.count("<button") == response.text.count(YES_BUTTON) == 1
    assert "Still good for tomorrow, Sarah?" in response.text
    assert await attendee_.scenario.rows("inbox_events") == before
    assert await attendee_.confirmed_at() == [None]


async def test_the_response_is_private_and_runs_no_script(attendee_: Attendee) -> None:
    response = await attendee_.client.get(await attendee_.link())
    assert "set-cookie" not in response.headers
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "script" not in policy
    assert (response.headers["cache-control"], response.headers["referrer-policy"]) == ("no-store", "no-referrer")


async def test_the_uid_is_only_in_the_link_to_another_time(attendee_: Attendee) -> None:
    """The place of the meeting contains the uid too: anybody who knows it can cancel the meeting."""
    text = (await attendee_.client.get(await attendee_.link())).text
    assert "I need another time" in text
    assert "/reschedule/ahead" in text
    assert "ahead" not in text.replace("/reschedule/ahead", "").replace("Intro call ahead", "")
    assert SARAH not in text
    await attendee_.receive(
        "BOOKING_CREATED",
        TODAY - HOUR,
        payload("ahead", 2, TODAY + DAY, [SARAH], disableRescheduling=True),
    )
    text = (await attendee_.client.get(await attendee_.link())).text
    assert "I need another time" not in text
    assert "reschedule/" not in text


async def test_a_post_records_the_yes_once(attendee_: Attendee) -> None:
    link = await attendee_.link()
    for _ in range(3):
        attendee_.now += HOUR
        response = await attendee_.client.post(link, data={"anything": "else"})
        assert response.status_code == 200
        assert "See you Tuesday, Sarah" in response.text
        assert "<button" not in response.text
    assert await attendee_.confirmed_at() == [TODAY + HOUR]
    (event,) = await attendee_.confirmations()
    assert (event["source"], event["state"]) == ("manual", "applied")
    assert "See you Tuesday" in (await attendee_.client.get(link)).text
    assert await rebuild_differences(attendee_.scenario.engine) == []


async def test_calendar_links_only_for_a_meeting_that_is_in_no_calendar_yet(attendee_: Attendee) -> None:
    """A link to add it would make a second entry beside the one of a mail's file, or of the host's calendar (F17)."""
    invited_by_host = (await attendee_.client.post(await attendee_.link())).text
    assert "See you Tuesday" in invited_by_host
    assert "calendar" not in invited_by_host
    fields = payload("alone", 9, TODAY + DAY, [SARAH], destinationCalendar=None, appsStatus=[])
    await attendee_.receive("BOOKING_CREATED", TODAY - HOUR, fields)
    text = (await attendee_.client.post(await attendee_.link("alone"))).text
    assert "https://calendar.google.com/calendar/render?" in text
    assert "https://outlook.live.com/calendar/" in text
    for known in ("/reschedule/alone", "call alone", "call+alone"):
        text = text.replace(known, "")
    assert "alone" not in text


async def test_simultaneous_posts_are_one_event(attendee_: Attendee) -> None:
    link = await attendee_.link()
    responses = await asyncio.gather(*(attendee_.client.post(link) for _ in range(6)))
    assert {response.status_code for response in responses} <= {200, 429, 503}
    assert 200 in {response.status_code for response in responses}
    assert len(await attendee_.confirmations()) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_forged_link_changes_nothing(attendee_: Attendee, method: str) -> None:
    valid = (await attendee_.link()).removeprefix("/r/")
    altered = valid[:-3] + ("AAA" if valid[-3:] != "AAA" else "BBB")
    other_key = make_confirm_token(
        Seal(["another key"]),
        Invitation(
            workspace_id=id_of("ours"),
            booking_id=await attendee_.scenario.booking_id("ahead"),
            start_time=TODAY + DAY,
            email=SARAH,
        ),
    )
    other_purpose = make_token(SEAL, id_of("ours"), SARAH)
    for token in (altered, valid[:-4], other_key, other_purpose, "x", "%00", "é", "a" * 5_000):
        response = await attendee_.client.request(method, f"/r/{token}")
        assert (token, response.status_code) == (token, 404)
        assert "This link does not work" in response.text
    assert await attendee_.confirmations() == []


async def test_a_link_reaches_no_other_workspace_booking_or_person(attendee_: Attendee) -> None:
    others = [
        await attendee_.link(workspace_id=id_of("theirs")),
        await attendee_.link(booking_id=await attendee_.scenario.booking_id("ahead", "theirs")),
        await attendee_.link(email="ian@initech.com"),
        await attendee_.link(booking_id=id_of("nothing")),
    ]
    for link in others:
        for method in ("GET", "POST"):
            assert (await attendee_.client.request(method, link)).status_code == 404
    assert await attendee_.confirmations() == []


async def test_wrong_links_are_throttled_by_address(attendee_: Attendee) -> None:
    for number in range(WRONG_KEYS_AT_ONCE):
        assert (await attendee_.client.get(f"/r/wrong-{number}")).status_code == 404
    response = await attendee_.client.get("/r/wrong-again")
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) > 0
    assert "Please try again" in response.text


async def test_a_moved_meeting_shows_its_new_time_and_accepts_no_yes_to_the_old_one(attendee_: Attendee) -> None:
    link, new_start = await attendee_.link(), TODAY + 3 * DAY
    fields = payload("moved", 2, new_start, [SARAH], rescheduleUid="ahead")
    await attendee_.receive("BOOKING_RESCHEDULED", TODAY - HOUR, fields)
    for method, status in (("GET", 200), ("POST", 409)):
        response = await attendee_.client.request(method, link)
        assert response.status_code == status
        assert "Your meeting has a new time" in response.text
        assert "Thursday, 17 September, 14:00" in response.text
        assert "<s>Tuesday, 15 September, 14:00</s>" in response.text
        assert "<button" not in response.text
    assert await attendee_.confirmed_at("moved") == [None]
    new_link = await attendee_.link("moved", new_start)
    assert (await attendee_.client.post(new_link)).status_code == 200
    assert await attendee_.confirmed_at("moved") == [attendee_.now]


@pytest.mark.parametrize(
    ("fields", "heading"),
    [({}, "This meeting is cancelled"), ({"requestReschedule": True}, "Could we find another time?")],
    ids=["cancelled", "another time requested"],
)
async def test_a_cancelled_meeting_accepts_no_yes(attendee_: Attendee, fields: dict[str, Any], heading: str) -> None:
    link = await attendee_.link()
    cancelled = payload("ahead", 2, TODAY + DAY, [SARAH], **fields)
    await attendee_.receive("BOOKING_CANCELLED", TODAY - HOUR, cancelled)
    for method, status in (("GET", 200), ("POST", 409)):
        response = await attendee_.client.request(method, link)
        assert (response.status_code, heading in response.text, "<button" in response.text) == (status, True, False)
    assert await attendee_.confirmations() == []


@pytest.mark.parametrize(
    ("later", "heading"),
    [(timedelta(minutes=10), "Your meeting has started"), (HOUR, "This meeting is over")],
)
async def test_a_link_ends_with_the_meetings_start(attendee_: Attendee, later: timedelta, heading: str) -> None:
    link = await attendee_.link()
    attendee_.now = TODAY + DAY + later
    for method, status in (("GET", 200), ("POST", 409)):
        response = await attendee_.client.request(method, link)
        assert (response.status_code, heading in response.text) == (status, True)
    assert await attendee_.confirmations() == []


async def test_a_person_who_no_longer_takes_part_learns_nothing_of_the_meeting(attendee_: Attendee) -> None:
    link, new_start = await attendee_.link(), TODAY + 3 * DAY
    fields = payload("moved", 2, new_start, ["lee@acme.com"], rescheduleUid="ahead")
    await attendee_.receive("BOOKING_RESCHEDULED", TODAY - HOUR, fields)
    response = await attendee_.client.get(link)
    assert "You no longer take part" in response.text
    for secret in ("September", "lee@acme.com", "moved", "Ben Host"):
        assert secret not in response.text


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "{{ 7 * 7 }} {name}",
        "\u202eevil\u2066 \x00",
        "x" * 10_000,
        "&lt;b&gt;",
        "'\"><img src=x>",
    ],
    ids=["script", "template", "bidi", "long", "entities", "attribute"],
)
async def test_hostile_texts_stay_texts(attendee_: Attendee, name: str) -> None:
    who = attendee("eve@acme.com", name)
    fields = payload("hostile", 9, TODAY + DAY, [who], title=name, location=name)
    fields["attendees"][0]["timeZone"] = "Nowhere/<b>"
    fields["eventTitle"] = name
    fields["organizer"] = fields["organizer"] | {"name": name}
    fields["metadata"] = {}
    await attendee_.receive("BOOKING_CREATED", TODAY - HOUR, fields)
    link = await attendee_.link("hostile", email="eve@acme.com")
    for method in ("GET", "POST"):
        response = await attendee_.client.request(method, link)
        assert response.status_code == 200
        for markup in ("<script", "<img", "<b>", "\u202e", "\u2066", "\x00", "x" * 300, "49 "):
            assert markup not in response.text.replace("<b>1", "")
        assert len(response.text) < 20_000


async def test_a_yes_is_in_the_api_and_its_filter(attendee_: Attendee, writer: httpx2.AsyncClient) -> None:
    async def uids(**query: str) -> set[str]:
        items = (await writer.get("/api/bookings", params=query)).json()["items"]
        return {item["calcom_uid"] for item in items}

    everything = await uids()
    assert await uids(confirmed="true") == set()
    await attendee_.client.post(await attendee_.link())
    assert await uids(confirmed="true") == {"ahead"}
    assert await uids(confirmed="false") == everything - {"ahead"}
    booking = (await writer.get(f"/api/bookings/{await attendee_.scenario.booking_id('ahead')}")).json()
    assert [one["confirmed_at"] for one in booking["attendees"]] == ["2026-09-14T12:00:00Z"]
    assert booking["attendance"]["state"] != "showed"
    (entry,) = [one for one in booking["timeline"] if one["what"] == "attendee.confirmed"]
    assert entry["actor"] == "attendee"


async def test_a_yes_answers_no_conflict_of_a_deal(attendee_: Attendee, writer: httpx2.AsyncClient) -> None:
    """Only what people of the team do settles what needs them."""
    deal_id = await attendee_.scenario.deal_id("ahead")
    await writer.patch(f"/api/deals/{deal_id}", json={"stage": "proposal"})
    attendee_.now = TODAY + HOUR
    assert (await attendee_.client.post(await attendee_.link())).status_code == 200
    entries = await attendee_.scenario.rows("audit_log", what="attendee.confirmed")
    assert [entry["deal_id"] for entry in entries] in ([None], [deal_id])
    assert {entry["actor"] for entry in entries} == {"attendee"}
