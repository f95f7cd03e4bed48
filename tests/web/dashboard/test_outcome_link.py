"""AP2: the signed link with which a host says how a meeting went: what it saves, once, and what it refuses."""

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from showup.access.secrets_at_rest import Seal
from showup.container import event_handlers
from showup.outbox.outcome_tokens import VALID_FOR, OutcomeLink, make_outcome_token
from showup.outbox.unsubscribe_tokens import make_token
from showup.web.app import create_app
from showup.web.http.app_state import MailSecrets
from showup.web.http.middleware import with_middleware
from tests.histories.rebuild_check import rebuild_differences
from tests.histories.webhooks import BEN, MONDAY, body, payload
from tests.web.dashboard.test_outcome import seen_of
from tests.web.sample_data import ADMIN_KEY, id_of
from tests.web.scenario import DAY, HOUR, TODAY, Scenario, ingest_and_project

HOST = BEN.email
SEAL = Seal(["a key for tests"])
MET_AT = MONDAY + DAY


class Host:
    """A host who opens links on a phone, without an account; `now` is Showup's time."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.now = scenario, MET_AT + DAY
        app = create_app(
            engine=scenario.engine,
            clock=self.tick,
            admin_key=ADMIN_KEY,
            version="0",
            mail_secrets=MailSecrets(seal=SEAL),
            event_handlers=event_handlers(),
        )
        transport = httpx2.ASGITransport(app=with_middleware(app, cors_origins=[]))
        self.client = httpx2.AsyncClient(transport=transport, base_url="http://showup.example")

    def tick(self) -> datetime:
        """Return the time; each reading is later, so that later answers have later times."""
        self.now += timedelta(milliseconds=1)
        return self.now

    async def link(self, uid: str = "globex", start: datetime = MET_AT, host: str = HOST, **other: Any) -> str:
        fields = {"workspace_id": id_of("ours"), "expires_at": start + HOUR + VALID_FOR} | other
        booking_id = await self.scenario.booking_id(uid)
        request = OutcomeLink(booking_id=booking_id, start_time=start, host=host, **fields)
        return f"/o/{make_outcome_token(SEAL, request)}"

    async def get(self, path: str) -> httpx2.Response:
        return await self.client.get(path)

    async def post(self, path: str, **fields: str) -> httpx2.Response:
        return await self.client.post(path, data=fields, headers={"Sec-Fetch-Site": "same-origin"})

    async def reports(self) -> list[str]:
        """Return who reported, one for each report."""
        return [one["actor"] for one in await self.scenario.commands() if one["trigger"] == "outcome_reported"]

    async def outcome(self, uid: str = "globex") -> Any:
        [row] = await self.scenario.rows("bookings", id=await self.scenario.booking_id(uid))
        return row["outcome"]


@pytest.fixture
def host(scenario: Scenario) -> Host:
    return Host(scenario)


async def test_opening_the_link_records_nothing_and_shows_the_answer_that_was_tapped(host: Host) -> None:
    link = await host.link()
    for _ in range(3):
        page = await host.get(f"{link}?answer=no_show")
        assert page.status_code == 200
    assert (await host.client.head(link)).status_code == 200
    assert 'value="no_show" required checked' in page.text
    assert "How did it go with" in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert await host.reports() == []


async def test_the_form_saves_the_hosts_answer_once_however_often_it_is_sent(host: Host) -> None:
    link = await host.link()
    seen = seen_of(await host.get(link))
    answer = {
        "outcome": "showed",
        "notes": "Likes it <b>",
        "next_step": "Second call",
        "stage": "proposal",
        "seen": seen,
    }
    for _ in range(3):
        saved = await host.post(link, **answer, amount="1,200", currency="EUR")
        assert (saved.status_code, "Saved, thank you" in saved.text) == (200, True)
    assert await host.reports() == [f"host:{HOST}"]
    [row] = await host.scenario.rows("bookings", id=await host.scenario.booking_id("globex"))
    assert (row["outcome"], row["outcome_notes"], row["next_step"]) == ("showed", "Likes it <b>", "Second call")
    [deal] = await host.scenario.rows("deals", id=row["deal_id"])
    assert (deal["stage"], str(deal["amount"])) == ("proposal", "1200.00")
    again = await host.get(link)
    assert f"{HOST} reported showed" in again.text
    assert "Likes it &lt;b&gt;" in again.text
    changed = await host.post(link, outcome="no_show", seen=seen_of(again))
    assert (changed.status_code, await host.outcome()) == (200, "no_show")
    assert await rebuild_differences(host.scenario.engine) == []


async def test_who_is_slower_sees_both_answers_side_by_side(host: Host) -> None:
    link = await host.link()
    seen = seen_of(await host.get(link))
    first = await host.client.post(
        f"/api/bookings/{await host.scenario.booking_id('globex')}/outcome",
        json={"outcome": "no_show", "notes": "I waited"},
        headers={"Authorization": f"Bearer {ADMIN_KEY}"},
    )
    assert first.status_code == 200
    slower = await host.post(await host.link(), outcome="showed", notes="We spoke by phone", seen=seen)
    assert slower.status_code == 409
    for text in ("answered", "no-show", "I waited", "We spoke by phone", "Save my answer instead"):
        assert text in slower.text
    assert await host.outcome() == "no_show"
    assert (await host.post(link, outcome="showed", seen=seen, anyway="yes")).status_code == 200
    assert await host.outcome() == "showed"


async def test_what_became_of_the_meeting_is_shown_and_nothing_recorded(host: Host) -> None:
    moved = payload("globex-2", 31, TODAY + 2 * DAY, ["gina@globex.co.uk"], rescheduleUid="globex")
    link, cancelled = await host.link(), await host.link("off", TODAY + DAY)
    await ingest_and_project(
        host.scenario.engine, "ours", [body("BOOKING_RESCHEDULED", host.now, moved)], lambda: host.now
    )
    answers = [(link, "The meeting was moved"), (cancelled, "The meeting is cancelled")]
    other = await host.link("private", host="other@ours.example")
    for path, title in (*answers, (other, "Another host has this meeting")):
        assert ((shown := await host.get(path)).status_code, title in shown.text) == (200, True), title
        refused = await host.post(path, outcome="showed")
        assert (refused.status_code, title in refused.text) == (409, True), title
    assert await host.reports() == []


async def test_a_teammate_answers_as_themselves_and_only_with_a_role_that_may(host: Host) -> None:
    for name, status, actor in (("member", 200, "teammate:member@ours.example"), ("read_only", 403, None)):
        email = f"{name}@ours.example"
        async with host.scenario.engine.begin() as tx:
            await tx.exec_driver_sql(
                f"UPDATE showup.bookings SET organizer_email = '{email}' WHERE calcom_uid = 'private'"  # noqa: S608
            )
        link = await host.link("private", host=email)
        assert (await host.get(link)).status_code == status
        saved = await host.post(link, outcome="no_show", seen=seen_of(await host.get(link)))
        assert saved.status_code == status
        assert (actor in await host.reports()) is (actor is not None)


async def test_faults_keep_what_was_typed_and_other_links_are_refused(host: Host) -> None:
    link = await host.link()
    refused = await host.post(link, outcome="perhaps", notes="typed with care")
    assert (refused.status_code, "typed with care" in refused.text) == (422, True)
    other_site = await host.client.post(link, data={"outcome": "showed"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert other_site.status_code == 403
    foreign = await host.link(workspace_id=id_of("theirs"))
    other_purpose = f"/o/{make_token(SEAL, id_of('ours'), HOST)}"
    expired = await host.link(expires_at=host.now - timedelta(seconds=1))
    for path in (foreign, other_purpose, expired, f"{link}x", "/o/x"):
        assert ((await host.get(path)).status_code, (await host.post(path, outcome="showed")).status_code) == (404, 404)
    assert (await host.post(link, outcome="showed", notes="x" * 70_000)).status_code == 413
    assert await host.reports() == []
