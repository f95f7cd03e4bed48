"""`/outbox`: who may look at the mails that were kept, and that no mail does anything there (TE3, PI13)."""

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
from tests.web.cast import ADMIN_KEY, HOSTILE_HTML, NOW, id_of, key_of

OURS, THEIRS = id_of("ours.confirmed"), id_of("theirs.confirmed")
PAGES = ("/outbox", f"/outbox/{OURS}", f"/outbox/{OURS}/mail", f"/outbox/{OURS}/invite.ics")

Looking: TypeAlias = Callable[[str], httpx2.AsyncClient]


@pytest.fixture
def looking(doors: ASGIApp) -> Looking:
    """A browser in which this key was entered."""
    wire = httpx2.ASGITransport(app=doors)
    return lambda key: httpx2.AsyncClient(transport=wire, base_url="http://showup.example", auth=("anybody", key))


@pytest.fixture
async def owner(looking: Looking) -> AsyncIterator[httpx2.AsyncClient]:
    async with looking(key_of("writer")) as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
async def test_a_browser_asks_for_a_key(anybody: httpx2.AsyncClient, looking: Looking, path: str) -> None:
    not_base64 = await anybody.get(path, headers={"Authorization": "Basic ???"})
    no_colon = await anybody.get(path, headers={"Authorization": f"Basic {base64.b64encode(b'x').decode()}"})
    bearer = await anybody.get(path, headers={"Authorization": f"Bearer {key_of('writer')}"})
    for answer in (await anybody.get(path), not_base64, no_colon, bearer, await looking("made-up").get(path)):
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Basic realm="Showup", charset="UTF-8"'
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "scope write" in answer.text


@pytest.mark.parametrize("path", PAGES)
async def test_who_only_reads_sees_no_links_that_cancel(looking: Looking, path: str) -> None:
    answer = await looking(key_of("reader")).get(path)
    assert (answer.status_code, "the scope read" in answer.text) == (401, True)
    for name in ("writer", "admin", "everywhere"):
        assert (await looking(key_of(name)).get(path)).status_code == 200
    assert (await looking(ADMIN_KEY).get(path)).status_code == 200


@pytest.mark.parametrize("path", PAGES[1:])
async def test_a_stranger_sees_nothing_of_ours(looking: Looking, path: str) -> None:
    stranger = looking(key_of("stranger"))
    listed = (await stranger.get("/outbox")).text
    assert (str(THEIRS) in listed, str(OURS) in listed) == (True, False)
    answer = await stranger.get(path)
    assert answer.status_code == 404
    assert "Intro" not in answer.text
    assert (await stranger.get(path.replace(str(OURS), str(THEIRS)))).status_code == 200


async def test_a_key_for_all_workspaces_sees_whose_each_mail_is(looking: Looking, owner: httpx2.AsyncClient) -> None:
    every = (await looking(key_of("everywhere")).get("/outbox")).text
    assert re.findall(r'outbox/([\w-]+)".*? · confirm · (\w+)<', every) == [
        (str(THEIRS), "theirs"),
        (str(OURS), "ours"),
    ]
    assert "confirm<" in (await owner.get("/outbox")).text


async def test_an_address_that_is_not_whole_is_refused_with_a_page(owner: httpx2.AsyncClient) -> None:
    for path, status in (("/outbox/not-an-id", 404), ("/outbox?cursor=made-up", 400)):
        answer = await owner.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")


async def test_a_mail_is_shown_with_all_that_belongs_to_it(owner: httpx2.AsyncClient) -> None:
    page = (await owner.get(f"/outbox/{OURS}")).text
    facts = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)
    assert facts == [
        ("From", "Brand &lt;hello@brand.example&gt;"),
        ("To", "sarah.chen@acme.com"),
        ("Reply-To", "dana@brand.example"),
        ("List-Unsubscribe", "&lt;https://brand.example/stop&gt;"),
        ("Kept", "2026-03-01 09:00 UTC"),
        ("Kind", "confirm"),
    ]
    assert "<h1>Booked: Intro &amp; &lt;b&gt;more&lt;/b&gt;</h1>" in page
    assert "Booked &lt;i&gt;today&lt;/i&gt;" in page
    assert f'sandbox="allow-popups allow-popups-to-escape-sandbox" src="{OURS}/mail"' in page


async def test_no_page_runs_a_script_or_loads_from_elsewhere(owner: httpx2.AsyncClient) -> None:
    for path in ("/outbox", f"/outbox/{OURS}"):
        answer = await owner.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "script" not in policy
        assert HOSTILE_HTML not in answer.text
        assert "evil.example" not in answer.text
    assert "frame-src 'self'" in policy


async def test_a_mails_own_html_is_shut_in(owner: httpx2.AsyncClient) -> None:
    answer = await owner.get(f"/outbox/{OURS}/mail")
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": "allow-popups allow-popups-to-escape-sandbox",
    }
    assert answer.text == HOSTILE_HTML.replace('<head lang="en">', '<head lang="en"><base target="_blank">')


async def test_the_calendar_file_is_kept_by_a_browser(owner: httpx2.AsyncClient) -> None:
    answer = await owner.get(f"/outbox/{OURS}/invite.ics")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8; method=REQUEST"
    assert answer.headers["content-disposition"] == 'attachment; filename="invite.ics"'
    assert answer.content == b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


@pytest.mark.usefixtures("changes")
async def test_pages_go_from_new_to_old(owner: httpx2.AsyncClient, cast_engine: AsyncEngine) -> None:
    made = [uuid4() for _ in range(60)]
    about = {"workspace_id": id_of("ours"), "booking_id": uuid4(), "event_id": uuid4(), "booking_version": 1}
    way = {"destination": "outbox", "kind": "tell_new_place", "state": "delivered", "provider": "outbox"}
    times = dict.fromkeys(("due_at", "wake_at", "created_at", "updated_at", "delivered_at"), NOW)
    mail = {"sender": "a@b.example", "to": "c@d.example", "subject": "No calendar", "html": "<p>", "text": "x"}
    async with transaction(cast_engine) as tx:
        for number, one in enumerate(made):
            at = {"delivered_at": NOW + timedelta(minutes=number)}
            row = {"id": one, "key": str(one), "simulated": True}
            await tx.execute(insert(deliveries).values(row | about | way | times | at))
            await tx.execute(insert(delivery_contents).values(delivery_id=one, content=mail, rendered_at=NOW))
    first = (await owner.get("/outbox")).text
    older = re.search(r'href="(outbox\?cursor=[\w-]+)"', first)
    assert older is not None
    second = (await owner.get(f"/{older[1]}")).text
    found = [re.findall(r'href="outbox/([\w-]+)"', page) for page in (first, second)]
    assert [len(page) for page in found] == [50, 11]
    assert found[0] + found[1] == [*(str(one) for one in reversed(made)), str(OURS)]
    assert "cursor=" not in second
    assert (first.count("simulated</span>"), first.count("tell new place")) == (50, 50)
    assert "invite.ics" not in (await owner.get(f"/outbox/{made[0]}")).text
    assert (await owner.get(f"/outbox/{made[0]}/invite.ics")).status_code == 404


@pytest.mark.usefixtures("changes")
async def test_what_was_sent_is_not_in_the_outbox(owner: httpx2.AsyncClient, cast_engine: AsyncEngine) -> None:
    async with transaction(cast_engine) as tx:
        await tx.execute(update(deliveries).values(provider="resend"))
    page = (await owner.get("/outbox")).text
    assert "There is no mail here yet." in page
    assert (await owner.get(f"/outbox/{OURS}")).status_code == 404
