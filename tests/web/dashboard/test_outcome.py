"""AP4: the form of a meeting's outcome: what it saves, that no answer is lost, and what it says to a refused one."""

import re

import httpx2
import pytest

from showup.container import event_handlers
from showup.web.app import create_app
from showup.web.http.middleware import with_middleware
from tests.web.dashboard.conftest import Browser
from tests.web.sample_data import ADMIN_KEY
from tests.web.scenario import HOUR, TODAY, Scenario, booking_created, ingest_and_project, ticking_clock


@pytest.fixture
def browsers(scenario: Scenario) -> tuple[Browser, Browser]:
    """The browsers of two teammates, on one app."""
    app = create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
    )
    served = with_middleware(app, cors_origins=[])
    return Browser(served, "member"), Browser(served, "admin")


def seen_of(page: httpx2.Response) -> str:
    return page.text.partition('name="seen" value="')[2].partition('"')[0]


async def test_an_answer_with_deal_notes_and_amount_is_saved_whole(
    scenario: Scenario, browsers: tuple[Browser, Browser]
) -> None:
    member, _ = browsers
    booking = await scenario.booking_id("globex")
    page = await member.get(f"/outcome/{booking}")
    assert "How did it go with" in page.text
    answer = {"outcome": "showed", "notes": "Likes it <b>", "next_step": "Send a proposal", "stage": "proposal"}
    money = {"amount": "12,000.50", "currency": "EUR"}
    saved = await member.post(f"/outcome/{booking}", seen=seen_of(page), **answer, **money)
    assert (saved.status_code, saved.headers["location"]) == (303, f"../?reported={booking}")
    today = (await member.get(f"/?reported={booking}")).text
    assert "reported: showed." in today
    assert "No, a no-show" in today, "it can be corrected"
    [row] = await scenario.rows("bookings", id=booking)
    assert (row["outcome"], row["outcome_notes"], row["next_step"]) == ("showed", "Likes it <b>", "Send a proposal")
    [deal] = await scenario.rows("deals", id=row["deal_id"])
    assert (deal["stage"], str(deal["amount"]), deal["currency"]) == ("proposal", "12000.50", "EUR")
    again = await member.get(f"/outcome/{booking}")
    assert "Likes it &lt;b&gt;" in again.text
    assert "Member Teammate reported showed" in again.text
    new = (await member.get("/deals/new")).text
    assert 'aria-label="Currency" maxlength="3" autocomplete="off" value="EUR"' in new, "as the last amount"


async def test_who_types_only_the_number_is_not_refused(scenario: Scenario, browsers: tuple[Browser, Browser]) -> None:
    member, _ = browsers
    booking = await scenario.booking_id("globex")
    page = await member.get(f"/outcome/{booking}")
    found = re.search(r'name="currency"[^>]* value="([^"]*)"', page.text)
    assert found is not None
    fields = {"outcome": "showed", "amount": "900", "currency": found[1].lower(), "next_step": "Send a proposal"}
    assert (await member.post(f"/outcome/{booking}", seen=seen_of(page), **fields)).status_code == 303
    [row] = await scenario.rows("bookings", id=booking)
    [deal] = await scenario.rows("deals", id=row["deal_id"])
    assert (str(deal["amount"]), deal["currency"]) == ("900.00", "USD")


async def test_two_who_answer_at_once_both_see_both_answers(
    scenario: Scenario, browsers: tuple[Browser, Browser]
) -> None:
    member, admin = browsers
    booking = await scenario.booking_id("globex")
    seen = seen_of(await member.get(f"/outcome/{booking}"))
    first = {"outcome": "no_show", "notes": "I waited 10 minutes", "seen": seen}
    assert (await admin.post(f"/outcome/{booking}", **first)).status_code == 303
    mine = {"outcome": "showed", "notes": "We spoke on the phone", "seen": seen}
    both = await member.post(f"/outcome/{booking}", **mine)
    assert both.status_code == 409
    for text in ("Admin Teammate answered", "no-show", "I waited 10 minutes", "We spoke on the phone"):
        assert text in both.text
    [row] = await scenario.rows("bookings", id=booking)
    assert row["outcome"] == "no_show", "the second answer waits for a decision"
    assert (await member.post(f"/outcome/{booking}", **mine, anyway="yes")).status_code == 303
    [row] = await scenario.rows("bookings", id=booking)
    assert row["outcome"] == "showed"
    audit = await scenario.rows("audit_log", booking_id=booking, what="outcome.reported")
    actors = [one["actor"] for one in sorted(audit, key=lambda one: one["number"])]
    assert actors == ["teammate:admin@ours.example", "teammate:member@ours.example"], "the first answer stays known"


async def test_a_fault_keeps_what_was_typed(scenario: Scenario, browsers: tuple[Browser, Browser]) -> None:
    member, _ = browsers
    booking = await scenario.booking_id("globex")
    faulty: list[tuple[dict[str, str], str]] = [
        ({"outcome": "perhaps"}, "Choose what happened"),
        ({"outcome": "showed", "amount": "a lot", "currency": "EUR"}, "Write an amount"),
        ({"outcome": "showed", "amount": "NaN", "currency": "EUR"}, "Write an amount"),
        ({"outcome": "showed", "amount": "5", "currency": ""}, "Name the currency"),
        ({"outcome": "showed", "notes": "x" * 10_001}, "Notes may have"),
    ]
    for fields, fault in faulty:
        typed = {"notes": "typed with care", **fields}
        refused = await member.post(f"/outcome/{booking}", **typed)
        assert (fault, refused.status_code, fault in refused.text) == (fault, 422, True)
        assert typed["notes"] in refused.text


async def test_what_the_rules_refuse_is_shown_in_their_words(
    scenario: Scenario, browsers: tuple[Browser, Browser]
) -> None:
    member, _ = browsers
    ahead = await scenario.booking_id("ahead")
    refused = await member.post(f"/outcome/{ahead}", outcome="showed")
    assert (refused.status_code, "the meeting starts at" in refused.text) == (422, True)
    tapped = await member.post(f"/bookings/{ahead}/report", outcome="showed")
    assert (tapped.status_code, "the meeting starts at" in tapped.text) == (409, True)
    listed = await member.get("/outcomes?who=team")
    assert listed.text.count("data-row") == 3


async def test_a_no_show_is_offered_another_time_at_a_named_hour_and_the_offer_can_be_taken_back(
    scenario: Scenario,
) -> None:
    late = booking_created("late", 9, TODAY + 8 * HOUR, "lee@acme.com")
    await ingest_and_project(scenario.engine, "ours", [late], ticking_clock())
    booking = await scenario.booking_id("late")
    clock = ticking_clock()
    app = create_app(
        engine=scenario.engine,
        clock=lambda: clock() + 9 * HOUR,
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
    )
    evening = Browser(with_middleware(app, cors_origins=[]), "member")
    page = await evening.get(f"/outcome/{booking}")
    assert "goes to lee@acme.com tomorrow 06:00 (08:00 in Berlin), never between 21:00 and 08:00 there" in page.text
    answer = {"outcome": "no_show", "can_offer": "yes"}
    assert (await evening.post(f"/outcome/{booking}", seen=seen_of(page), offer="yes", **answer)).status_code == 303
    [planned] = await scenario.rows("deliveries", booking_id=booking, kind="no_show")
    assert (planned["state"], planned["due_at"]) == ("scheduled", TODAY + 18 * HOUR)
    page = await evening.get(f"/outcome/{booking}")
    assert 'value="yes" aria-describedby="h-offer" checked' in page.text
    assert (await evening.post(f"/outcome/{booking}", seen=seen_of(page), **answer)).status_code == 303
    states = [row["state"] for row in await scenario.rows("deliveries", booking_id=booking, kind="no_show")]
    assert states == ["withdrawn"]


async def test_no_other_time_is_offered_where_no_mail_may_go(
    scenario: Scenario, browsers: tuple[Browser, Browser]
) -> None:
    member, _ = browsers
    for uid, because in (("globex", "mails to this address bounced"), ("met", "the meeting was too long ago")):
        page = await member.get(f"/outcome/{await scenario.booking_id(uid)}")
        assert because in page.text
        assert 'name="offer"' not in page.text
