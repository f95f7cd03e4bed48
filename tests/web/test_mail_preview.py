"""`/mail`: access to the mail preview, and isolation of the mails' content (TE3, PI13)."""

import base64
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import TypeAlias
from uuid import uuid4

import httpx2
import pytest
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp

from showup.database.engine import transaction
from showup.database.tables import deliveries, delivery_contents
from tests.web.sample_data import ADMIN_KEY, HOSTILE_HTML, NOW, id_of, key_of

OURS, THEIRS = id_of("ours.confirmed"), id_of("theirs.confirmed")
PAGES = ("/mail", f"/mail/{OURS}", f"/mail/{OURS}/html", f"/mail/{OURS}/invite.ics")

BrowserFactory: TypeAlias = Callable[[str], httpx2.AsyncClient]


@pytest.fixture
def browser_with(served_app: ASGIApp) -> BrowserFactory:
    """A factory of clients that send an API key as a browser does: as the HTTP Basic password."""
    transport = httpx2.ASGITransport(app=served_app)
    return lambda key: httpx2.AsyncClient(transport=transport, base_url="http://showup.example", auth=("anybody", key))


@pytest.fixture
async def owner(browser_with: BrowserFactory) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser_with(key_of("writer")) as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
async def test_a_browser_asks_for_a_key(anonymous: httpx2.AsyncClient, browser_with: BrowserFactory, path: str) -> None:
    not_base64 = await anonymous.get(path, headers={"Authorization": "Basic ???"})
    no_colon = await anonymous.get(path, headers={"Authorization": f"Basic {base64.b64encode(b'x').decode()}"})
    bearer = await anonymous.get(path, headers={"Authorization": f"Bearer {key_of('writer')}"})
    for response in (await anonymous.get(path), not_base64, no_colon, bearer, await browser_with("made-up").get(path)):
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Basic realm="Showup", charset="UTF-8"'
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "scope write" in response.text


@pytest.mark.parametrize("path", PAGES)
async def test_a_read_key_sees_no_mail(browser_with: BrowserFactory, path: str) -> None:
    response = await browser_with(key_of("reader")).get(path)
    assert (response.status_code, "the scope read" in response.text) == (401, True)
    for name in ("writer", "admin", "everywhere"):
        assert (await browser_with(key_of(name)).get(path)).status_code == 200
    assert (await browser_with(ADMIN_KEY).get(path)).status_code == 200


@pytest.mark.parametrize("path", PAGES[1:])
async def test_a_stranger_sees_nothing_of_ours(browser_with: BrowserFactory, path: str) -> None:
    stranger = browser_with(key_of("stranger"))
    listed = (await stranger.get("/mail")).text
    assert (str(THEIRS) in listed, str(OURS) in listed) == (True, False)
    response = await stranger.get(path)
    assert response.status_code == 404
    assert "Intro" not in response.text
    assert (await stranger.get(path.replace(str(OURS), str(THEIRS)))).status_code == 200


async def test_a_key_for_all_workspaces_sees_the_workspace_of_each_mail(
    browser_with: BrowserFactory, owner: httpx2.AsyncClient
) -> None:
    page = (await browser_with(key_of("everywhere")).get("/mail")).text
    assert re.findall(r'mail/([\w-]+)".*? · confirmation · (\w+)<', page) == [
        (str(THEIRS), "theirs"),
        (str(OURS), "ours"),
    ]
    assert "confirmation<" in (await owner.get("/mail")).text


async def test_an_incomplete_address_is_refused_with_a_page(owner: httpx2.AsyncClient) -> None:
    for path, status in (("/mail/not-an-id", 404), ("/mail?cursor=made-up", 400)):
        response = await owner.get(path)
        assert (response.status_code, response.headers["content-type"]) == (status, "text/html; charset=utf-8")


async def test_a_mail_is_shown_with_all_that_belongs_to_it(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(f"/mail/{OURS}")).text
    facts = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)
    assert facts == [
        ("From", "Brand &lt;hello@brand.example&gt;"),
        ("To", "sarah.chen@acme.com"),
        ("Reply-To", "dana@brand.example"),
        ("List-Unsubscribe", "&lt;https://brand.example/stop&gt;"),
        ("Stored", "2026-03-01 09:00 UTC"),
        ("Kind", "confirmation"),
    ]
    assert "<h1>Booked: Intro &amp; &lt;b&gt;more&lt;/b&gt;</h1>" in page
    assert "Booked &lt;i&gt;today&lt;/i&gt;" in page
    assert f'sandbox="allow-popups allow-popups-to-escape-sandbox" src="{OURS}/html"' in page


async def test_no_page_runs_a_script_or_loads_from_elsewhere(owner: httpx2.AsyncClient) -> None:
    for path in ("/mail", f"/mail/{OURS}"):
        response = await owner.get(path)
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "script" not in policy
        assert HOSTILE_HTML not in response.text
        assert "evil.example" not in response.text
    assert "frame-src 'self'" in policy


async def test_a_mails_html_is_sandboxed(owner: httpx2.AsyncClient) -> None:
    response = await owner.get(f"/mail/{OURS}/html")
    policy = dict(part.strip().partition(" ")[::2] for part in response.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": "allow-popups allow-popups-to-escape-sandbox",
    }
    assert response.text == HOSTILE_HTML.replace('<head lang="en">', '<head lang="en"><base target="_blank">')


async def test_the_calendar_file_is_a_download(owner: httpx2.AsyncClient) -> None:
    response = await owner.get(f"/mail/{OURS}/invite.ics")
    assert response.headers["content-type"] == "text/calendar; charset=utf-8; method=REQUEST"
    assert response.headers["content-disposition"] == 'attachment; filename="invite.ics"'
    assert response.content == b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


@pytest.mark.usefixtures("own_sample_database")
async def test_pages_are_newest_first(owner: httpx2.AsyncClient, sample_engine: AsyncEngine) -> None:
    delivery_ids = [uuid4() for _ in range(60)]
    references = {"workspace_id": id_of("ours"), "booking_id": uuid4(), "event_id": uuid4(), "booking_version": 1}
    fields = {
        "destination": "mail_preview",
        "kind": "new_place",
        "state": "previewed",
        "provider": "mail_preview",
    }
    times = dict.fromkeys(("due_at", "wake_at", "created_at"), NOW)
    mail = {"sender": "a@b.example", "to": "c@d.example", "subject": "No calendar", "html": "<p>", "text": "x"}
    async with transaction(sample_engine) as tx:
        for number, delivery_id in enumerate(delivery_ids):
            stored = {"updated_at": NOW + timedelta(minutes=number)}
            row = {"id": delivery_id, "key": str(delivery_id), "simulated": True}
            await tx.execute(insert(deliveries).values(row | references | fields | times | stored))
            await tx.execute(insert(delivery_contents).values(delivery_id=delivery_id, content=mail, rendered_at=NOW))
    first = (await owner.get("/mail")).text
    older = re.search(r'href="(mail\?cursor=[\w-]+)"', first)
    assert older is not None
    second = (await owner.get(f"/{older[1]}")).text
    found = [re.findall(r'href="mail/([\w-]+)"', page) for page in (first, second)]
    assert [len(page) for page in found] == [50, 11]
    assert found[0] + found[1] == [*(str(delivery_id) for delivery_id in reversed(delivery_ids)), str(OURS)]
    assert "cursor=" not in second
    assert (first.count("simulated</span>"), first.count("new place")) == (50, 50)
    assert "invite.ics" not in (await owner.get(f"/mail/{delivery_ids[0]}")).text
    assert (await owner.get(f"/mail/{delivery_ids[0]}/invite.ics")).status_code == 404


@pytest.mark.usefixtures("own_sample_database")
async def test_sent_mail_is_not_in_the_preview(owner: httpx2.AsyncClient, sample_engine: AsyncEngine) -> None:
    async with transaction(sample_engine) as tx:
        await tx.execute(update(deliveries).values(provider="resend", state="delivered"))
    page = (await owner.get("/mail")).text
    assert "No mails yet." in page
    assert (await owner.get(f"/mail/{OURS}")).status_code == 404
