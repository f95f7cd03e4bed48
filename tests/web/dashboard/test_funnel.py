"""CA5, AP4: the page Funnel says what the API counts, with its filters in the address and its doubt in words."""

import re

import httpx2
import pytest

from showup.container import event_handlers
from showup.web.app import create_app
from tests.web.conftest import client_of
from tests.web.dashboard.conftest import Browser
from tests.web.sample_data import ADMIN_KEY
from tests.web.scenario import Scenario, ticking_clock

LEADS = b"""email,first_name,emails_sent,last_sent_at,interested_at
sarah@acme.com,Sarah,3,2026-09-05T06:00:00Z,2026-09-06T06:00:00Z
gina@globex.co.uk,Gina,2,2026-09-05T06:00:00Z,
nobody@far.example,Nobody,4,2026-09-05T06:00:00Z,
"""
CSV = {"Content-Type": "text/csv"}


@pytest.fixture
async def member(scenario: Scenario) -> Browser:
    app = create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
    )
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
    assert "No mail and no booking in this time." in text
    for wrong in ("from=tomorrow", "from=0001-01-01&to=9999-12-31", "rank=luck", "campaign_id=x", "organizer=%00"):
        assert (await member.get(f"/funnel?{wrong}")).status_code == 404


async def test_parts_and_legend_lead_to_the_list_of_bookings(member: Browser) -> None:
    page = (await member.get("/funnel?period=all")).text
    links = set(re.findall(r'href="\./bookings\?([^"]+)"', page))
    assert any("attended=true&amp;outcome=assumed" in link for link in links)
    assert all("source=campaign&amp;simulated=false" in link for link in links)


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
