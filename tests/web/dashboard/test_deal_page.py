"""AP4: the page of a deal: what happened and why, what is next, and forms that can be taken back."""

from datetime import timedelta

import pytest

from showup.database import tables
from tests.histories.webhooks import body, payload
from tests.web.dashboard.conftest import Browser, BrowserFactory
from tests.web.sample_data import SampleData
from tests.web.scenario import TODAY, Scenario, ingest_and_project


@pytest.fixture
def member(teammate_of: BrowserFactory) -> Browser:
    return teammate_of("member")


def undo_of(text: str) -> str:
    return text.partition('name="event" value="')[2].partition('"')[0]


async def test_a_deal_says_what_happened_why_and_what_is_next(scenario: Scenario, member: Browser) -> None:
    deal = await scenario.deal_id("met")
    data = SampleData()
    for number in range(12):
        stay = {"deal_id": f"stay {number}", "position": 0, "workspace_id": "ours", "organizer": "", "source": ""}
        facts = {"event_type": "", "simulated": False, "stage": "met", "outcome": "onward", "hours": 72}
        data.add(tables.stage_visits, day=TODAY.date() - timedelta(days=number), **stay, **facts)
    await data.insert_into(scenario.engine)
    page = (await member.get(f"/deals/{deal}")).text
    for words in (
        "because a meeting was booked, and the company had no active deal",
        "assumed to have been held",
        "deal moved Booked → Met",
        "6 days, usual is 3",
        "Tomorrow 12:00 – 12:30",
        "14:00 in Berlin",
        'aria-label="assumed to have come, upcoming"',
        "/video/ahead",
    ):
        assert words in page, words
    only_changes = (await member.get(f"/deals/{deal}?show=changes&lines=1")).text
    assert "Booked" in only_changes.partition("<ol")[0], "the stage, in the head"
    assert "assumed to have been held" not in only_changes
    assert "lines=31" in (await member.get(f"/deals/{deal}?lines=1")).text, "Earlier"
    assert (await member.get(f"/deals/{deal}?show=secrets")).status_code == 404


async def test_a_reader_gets_no_form_and_no_link_with_a_uid(scenario: Scenario, teammate_of: BrowserFactory) -> None:
    reader = teammate_of("read_only")
    for path in (f"/deals/{await scenario.deal_id('met')}", f"/bookings/{await scenario.booking_id('ahead')}"):
        page = (await reader.get(path)).text.partition('id="main"')[2].partition('class="tabs"')[0]
        assert "Sarah" in page
        for hidden in ("/video/ahead", "Show ids", "<form", "/outcome"):
            assert hidden not in page, (path, hidden)


async def test_a_move_is_taken_back_once(scenario: Scenario, member: Browser) -> None:
    deal = await scenario.deal_id("met")
    moved = await member.post(f"/deals/{deal}/change", form="stage", stage="proposal", show="changes", lines="60")
    assert moved.headers["location"] == f"../../deals/{deal}?show=changes&lines=60"
    page = (await member.get(f"/deals/{deal}")).text
    assert "Moved <b><bdi>Met → Proposal</bdi></b>" in page.replace("Moved </", "Moved ")
    event = undo_of(page)
    part = await member.post(f"/deals/{deal}/undo", event=event, headers={"HX-Request": "true"})
    assert "Taken back." in part.text
    [row] = await scenario.rows("deals", id=deal)
    assert row["stage"] == "met"
    again = await member.post(f"/deals/{deal}/undo", event=event)
    assert (again.status_code, "was changed since" in again.text) == (422, True)


async def test_a_fault_keeps_what_was_typed_and_says_the_rule(scenario: Scenario, member: Browser) -> None:
    deal = await scenario.deal_id("met")
    for fields, words, kept in (
        ({"form": "lost", "status": "lost", "lost_reason": ""}, "Say why it is lost", "Mark as lost"),
        ({"form": "amount", "amount": "a lot", "currency": "EUR"}, "Write an amount", 'value="a lot"'),
        ({"form": "amount", "amount": "5", "currency": "euros"}, "three letters", 'value="euros"'),
        ({"form": "stage", "stage": "heaven"}, "is not a stage of this pipeline", "stays Met"),
    ):
        refused = await member.post(f"/deals/{deal}/change", **fields)
        assert (words, refused.status_code, words in refused.text) == (words, 422, True)
        assert kept in refused.text
    assert (await member.post(f"/deals/{deal}/change", form="nothing")).status_code == 422
    saved = await member.post(f"/deals/{deal}/change", form="amount", amount="12,000", currency="eur")
    assert saved.status_code == 303
    assert "€12,000" in (await member.get(f"/deals/{deal}")).text


async def test_a_refused_reopening_leads_to_the_active_deal(scenario: Scenario, teammate_of: BrowserFactory) -> None:
    member = teammate_of("member")
    deal = await scenario.deal_id("met")
    lost = await member.post(f"/deals/{deal}/change", form="lost", status="lost", lost_reason="Too dear")
    assert lost.status_code == 303
    at = TODAY + timedelta(minutes=5)
    newer = payload("newer", 9, TODAY + timedelta(days=3), ["sarah@acme.com"])
    await ingest_and_project(scenario.engine, "ours", [body("BOOKING_CREATED", at, newer)], lambda: at)
    other = await scenario.deal_id("newer")
    assert other != deal
    later = teammate_of("member", lambda: at + timedelta(minutes=1))
    refused = await later.post(f"/deals/{deal}/change", form="status", status="active")
    assert refused.status_code == 422
    assert "another active deal" in refused.text
    assert f"deals/{other}" in refused.text.partition("Open that one")[0][-120:]


async def test_a_next_step_is_set_and_done(scenario: Scenario, member: Browser) -> None:
    deal, booking = await scenario.deal_id("met"), await scenario.booking_id("met")
    path = f"/deals/{deal}/next-step"
    assert (await member.post(path, booking=str(booking), next_step="Send 8 seats")).status_code == 303
    page = (await member.get(f"/deals/{deal}")).text
    assert "Send 8 seats" in page
    assert "said by you today" in page
    assert (await member.post(path, booking=str(booking), next_step="x" * 1_001)).status_code == 422
    assert (await member.post(path, booking=str(await scenario.booking_id("globex")), next_step="x")).status_code == 404
    done = await member.post(path, booking=str(booking), done="yes", headers={"HX-Request": "true"})
    assert "Next step done." in done.text
    assert '<input type="hidden" name="next_step" value="Send 8 seats"><button data-keys="u">Undo' in done.text
    [row] = await scenario.rows("bookings", id=booking)
    assert row["next_step"] is None
