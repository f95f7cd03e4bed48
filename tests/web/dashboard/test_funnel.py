"""CA5, AP4: the page Funnel says what the API counts, with its filters in the address and its doubt in words."""

import re
from urllib.parse import parse_qsl

import httpx2
import pytest
from fastapi import FastAPI

from showup.container import event_handlers
from showup.simulation.models import SimulatedOrganizer
from showup.web.app import create_app
from tests.histories.webhooks import MONDAY, attendee, body, ended_body, payload
from tests.web.conftest import client_of
from tests.web.dashboard.conftest import Browser
from tests.web.sample_data import ADMIN_KEY
from tests.web.scenario import DAY, HOUR, TODAY, Scenario, booking_created, ingest_and_project, ticking_clock

LEADS = b"""email,first_name,emails_sent,last_sent_at,interested_at
sarah@acme.com,Sarah,3,2026-09-05T06:00:00Z,2026-09-06T06:00:00Z
gina@globex.co.uk,Gina,2,2026-09-05T06:00:00Z,
nobody@far.example,Nobody,4,2026-09-05T06:00:00Z,
"""
CSV = {"Content-Type": "text/csv"}


@pytest.fixture
def app(scenario: Scenario) -> FastAPI:
    return create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
    )


@pytest.fixture
async def member(app: FastAPI) -> Browser:
    client = client_of(app, "writer")
    for name in ("Founders", "<b>Bold</b>"):
        imported = await client.post(f"/api/leads/import?campaign={name}", content=LEADS, headers=CSV)
        assert imported.status_code == 200, imported.text
    return Browser(app, "member")


def text_of(page: httpx2.Response) -> str:
    assert page.status_code == 200, page.text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text.partition('id="funnel"')[2]))


async def test_the_page_says_the_numbers_of_the_api(member: Browser) -> None:
    """18 mails in two campaigns; Sarah and Gina booked, and Sarah's first meeting is assumed from the clock."""
    page = await member.get("/funnel")
    text = text_of(page)
    assert "One person showed for every 18 mails." in text
    assert "There is too little in the 90 days before to compare with." in text
    assert "Where 2 booked people stand" in text
    assert "1 assumed, by the clock" in text
    assert "1 nobody has said" in text
    assert "Nobody has reported a meeting of this time." in text
    assert "&lt;b&gt;Bold&lt;/b&gt;" in page.text
    assert "<b>Bold" not in page.text


async def test_filters_and_rank_sit_in_the_address(member: Browser) -> None:
    page = (await member.get("/funnel?period=30d&organizer=ben%40outbound.example")).text
    assert "people who booked" in page or "person who booked" in page
    assert "period=30d&amp;organizer=ben%40outbound.example&amp;rank=counted#camp-h" in page
    own = "./funnel?period=30d&amp;organizer=ben%40outbound.example"
    assert f'hx-get="{own}"' in page
    part = await member.get(own.removeprefix(".").replace("&amp;", "&"), **{"HX-Request": "true"})
    assert part.text.lstrip().startswith("<div"), "the part alone"
    assert f'hx-get="{own}"' in part.text, "its links are relative to the page that it is swapped into"
    campaign = re.search(r"campaign_id=(\d+)", page)
    assert campaign is not None
    text = text_of(await member.get(f"/funnel?campaign_id={campaign[1]}&from=2026-01-01&to=2026-02-01"))
    assert "No campaign sent a mail or brought a booking in this time." in text
    for wrong in ("from=tomorrow", "from=0001-01-01&to=9999-12-31", "rank=luck", "campaign_id=x", "organizer=%00"):
        assert (await member.get(f"/funnel?{wrong}")).status_code == 404


FATES = ["showed"] * 3 + ["ended"] * 2 + ["no_show", "host_absent", "nobody says", "nobody says", "ahead"]


async def book_once_each(client: httpx2.AsyncClient, scenario: Scenario) -> None:
    """Import a lead for each fate, who books one meeting."""
    emails = [f"one@single{place}.example" for place in range(len(FATES))]
    file = "\n".join(["email", *emails]).encode()
    imported = await client.post("/api/leads/import?campaign=Singles", content=file, headers=CSV)
    assert imported.status_code == 200, imported.text
    webhooks = []
    for n, (email, fate) in enumerate(zip(emails, FATES, strict=True)):
        start = TODAY + DAY if fate == "ahead" else MONDAY + n * HOUR
        webhooks.append(booking_created(f"one{n}", 100 + n, start, email))
        if fate == "ended":
            webhooks.append(ended_body(f"one{n}", 100 + n, start, [email], start - DAY))
    await ingest_and_project(scenario.engine, "ours", webhooks, ticking_clock())
    for n, fate in enumerate(FATES):
        if fate in ("showed", "no_show", "host_absent"):
            path = f"/api/bookings/{await scenario.booking_id(f'one{n}')}/outcome"
            assert (await client.post(path, json={"outcome": fate})).status_code == 200


async def book_in_all_ways(client: httpx2.AsyncClient, scenario: Scenario) -> None:
    """Each fate once, and: two meetings, of two organizers; two campaigns; two leads in one meeting; merged people."""
    await book_once_each(client, scenario)
    two = b"""email,replied,replied_at,interested,interested_at
one@single0.example,yes,2026-09-08T09:00:00Z,yes,2026-09-09T09:00:00Z
one@single5.example,yes,,,
twice@both.example,yes,2026-09-06T09:00:00Z,yes,2026-09-07T09:00:00Z
alias@both.example,yes,2026-09-08T12:00:00Z,yes,
never@booked.example,yes,2026-09-08T12:00:00Z,,
"""
    again = b"email,replied,replied_at\none@single0.example,yes,2026-09-10T09:00:00Z\n"
    answered = await client.post("/api/leads/import?campaign=Singles", content=again, headers=CSV)
    assert answered.status_code == 200, answered.text
    imported = await client.post("/api/leads/import?campaign=Second", content=two, headers=CSV)
    assert imported.status_code == 200, imported.text
    organizer = SimulatedOrganizer(2, "Mia", "mia@outbound.example", "mia", "Europe/Berlin")
    starts = {"again": MONDAY + 2 * DAY, "both": MONDAY + 3 * DAY, "alias": TODAY + 2 * DAY, "now": TODAY - HOUR / 4}
    starts |= {"first": MONDAY + DAY, "second": MONDAY + 2 * DAY, "missed": MONDAY + 3 * DAY}
    guests = {
        "first": ["no@lead.example"],
        "second": ["no@lead.example"],
        "missed": ["nor@lead.example"],
        "again": ["one@single0.example"],
        "both": ["twice@both.example", "one@single5.example"],
        "alias": ["alias@both.example"],
        "now": ["one@single7.example"],
    }
    webhooks = [
        body(
            "BOOKING_CREATED",
            start - DAY,
            payload(uid, 200 + n, start, [attendee(one, "Guest") for one in guests[uid]], organizer=organizer),
        )
        for n, (uid, start) in enumerate(starts.items())
    ]
    await ingest_and_project(scenario.engine, "ours", webhooks, ticking_clock())
    reports = {"again": "no_show", "both": "showed", "first": "showed", "missed": "no_show"}
    for uid, outcome in reports.items():
        path = f"/api/bookings/{await scenario.booking_id(uid)}/outcome"
        assert (await client.post(path, json={"outcome": outcome})).status_code == 200
    merge = {
        "gone_id": str(scenario.person_id("alias@both.example")),
        "stays_id": str(scenario.person_id("twice@both.example")),
    }
    merged = await client.post("/api/people/merge", json=merge)
    assert merged.is_success, merged.text


BEN, MIA = "organizer=ben%40outbound.example", "organizer=mia%40outbound.example"
PAGES = (
    "funnel?period=all",
    "funnel?from=2026-09-01&to=2026-09-20",
    "funnel?from=2026-09-08&to=2026-09-09",
    "funnel?from=2026-09-06&to=2026-09-15&source=csv",
    f"funnel?period=all&{BEN}",
    f"funnel?period=90d&{MIA}&source=csv",
    "funnel?period=all&campaign_id={Second}",
    "funnel?period=all&source=unknown",
    f"funnel?period=all&source=unknown&{BEN}",
    "funnel?from=2026-09-07&to=2026-09-15&source=unknown",
    f"funnel?from=2026-09-07&to=2026-09-11&campaign_id={{Singles}}&{BEN}",
    "analysis?period=all",
    f"analysis?from=2026-09-07&to=2026-09-10&{MIA}",
    "analysis?period=90d&source=campaign&show=held",
)
LINK = re.compile(r'<a ([^>]*)href="\./((?:leads|answers|bookings)\?[^"]+)"([^>]*)>(?:<b>|<text[^>]*>)?([\d,]*)')


async def test_each_number_is_that_of_its_list(app: FastAPI, member: Browser, scenario: Scenario) -> None:
    """Every number of both pages × their filters: its list has as many rows, and each filter of the link is a chip."""
    await book_in_all_ways(client_of(app, "writer"), scenario)
    campaigns = re.findall(r"campaign_id=(\d+)[^>]*>([^<]+)</a>", (await member.get("/funnel?period=all")).text)
    ids = {name: number for number, name in campaigns}
    found: dict[str, int] = {}
    for path in PAGES:
        page = (await member.get(f"/{path.format(**ids)}")).text
        for before, link, after, text in LINK.findall(page):
            label = re.search(r'aria-label="(\d+)', before + after)
            if text or label:
                number = int(text or (label[1] if label else ""))
                assert found.setdefault(link.replace("&amp;", "&"), number) == number, "one list, one number"
    assert len(found) > 50
    # A person with two leads counts once, and one with an answer in two campaigns too.
    assert (found["answers?answer=replied"], found["answers?answer=interested"]) == (4, 3)
    assert len([link for link in found if "source=unknown" in link]) > 8
    assert len([link for link in found if "counted=reported" in link or "counted=unreported" in link]) > 5
    wrong = {}
    for query, number in found.items():
        noun, _, fields = query.partition("?")
        listed = (await member.get(f"/{query}")).text
        if (rows := listed.count("<tr data-row>")) != number:
            wrong[query] = (number, rows)
        chips = re.findall(rf'class="chip chip--on" href="\./{noun}\??([^"]*)" aria-label="[^"]*, remove', listed)
        pairs = parse_qsl(fields)
        left = [[pair for pair in pairs if pair != removed] for removed in pairs]
        assert sorted(parse_qsl(chip.replace("&amp;", "&")) for chip in chips) == sorted(left)
    assert wrong == {}


async def test_an_answer_is_shown_with_its_time_and_leads_to_who_booked(app: FastAPI, member: Browser) -> None:
    hostile = (
        b"email,name,replied_at,replied,sender_email,step\n"
        b"x@<i>evil</i>.example,<script>alert(1)</script>,2026-09-05T06:00:00Z,yes,<b>,2\n"
        b"sarah@acme.com,Sarah,,yes,,\n=1+1@f.example,=1+1,,yes,,\n"
    )
    assert (
        await client_of(app, "writer").post("/api/leads/import?campaign=H", content=hostile, headers=CSV)
    ).is_success
    page = (await member.get("/answers?sort=at")).text
    assert "<script>alert" not in page
    assert re.search(r'href="\./people/[^"]+"[^>]*>Sarah</a>', page)
    assert "time not known" in page
    assert (await member.get("/answers?answer=interested&since=2026-09-07")).text.count("<tr data-row>") == 0
    file = (await member.get("/answers.csv")).text
    assert "'=1+1" in file
    assert (await member.get("/answers?answer=luck")).status_code == 422


async def test_those_whom_no_campaign_brought_are_a_group_of_their_own(member: Browser) -> None:
    page = await member.get("/funnel?period=all")
    assert re.search(r'href="\./funnel\?period=all&amp;source=unknown">No campaign</a>', page.text)
    text = text_of(await member.get("/funnel?period=all&source=unknown"))
    assert re.search(r"Of \d+ (person|people) who booked, \d+ showed\.", text)
    # Nobody sent them a mail, so neither a number of mails nor a rate of replies says anything.
    assert re.search(r"No campaign – – \d+ –", text)


async def test_old_data_say_since_when(member: Browser, scenario: Scenario) -> None:
    async with scenario.engine.begin() as tx:
        await tx.exec_driver_sql(
            "INSERT INTO showup.syncs (account_id, began_at, next_at, last_ok_at, failing_since, because)"
            " SELECT id, '2026-09-14 08:00Z', '2026-09-14 12:05Z', '2026-09-14 09:30Z', '2026-09-14 10:00Z',"
            " 'it is down' FROM showup.connections WHERE kind = 'calcom'"
        )
    assert "Cal.com data unavailable since 09:30 ." in text_of(await member.get("/funnel"))


async def test_the_file_has_the_campaigns_of_the_page(member: Browser) -> None:
    response = await member.get("/funnel.csv?period=all")
    assert response.headers["content-type"].startswith("text/csv")
    rows = response.text.splitlines()
    assert len(rows) == 3
    assert "Founders" in response.text


async def test_the_workspace_of_simulations_counts_them_and_no_other_does(app: FastAPI, scenario: Scenario) -> None:
    """Its meetings are all simulated, so a page without them would be empty; `showup simulate` fills it."""
    client, member = client_of(app, "writer"), Browser(app, "member")
    await client.post(
        "/api/leads/import?campaign=Invented", content=b"email,emails_sent\nmay@invented.example,5\n", headers=CSV
    )
    webhook = booking_created("invented", 77, MONDAY, "may@invented.example")
    await ingest_and_project(scenario.engine, "ours", [webhook], ticking_clock(), origin="simulation")
    real = text_of(await member.get("/funnel?period=all"))
    assert "No lead has a meeting in this time." in real
    async with scenario.engine.begin() as tx:
        await tx.exec_driver_sql("UPDATE showup.workspaces SET slug = 'simulation' WHERE slug = 'ours'")
    simulated = await member.get("/funnel?period=all")
    assert "Where 1 booked person stands" in text_of(simulated)
    booking_id = await scenario.booking_id("invented")
    assert f"bookings/{booking_id}" in (await member.get("/leads")).text
    assert f"bookings/{booking_id}" not in (await member.get("/leads?simulated=false")).text
    reported = await client.post(f"/api/bookings/{booking_id}/outcome", json={"outcome": "no_show"})
    assert reported.status_code == 200, reported.text
    assert "simulated=true" in (await member.get("/analysis?period=all")).text
