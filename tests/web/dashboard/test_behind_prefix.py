"""Pages behind a proxy that adds a path: each link, form and live part leads below it, also in what htmx swaps."""

import re
from typing import Final
from urllib.parse import urljoin, urlsplit

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from showup.container import event_handlers
from showup.web.app import create_app
from tests.web.dashboard.conftest import Browser
from tests.web.sample_data import ADMIN_KEY
from tests.web.scenario import Scenario, ticking_clock

_ORIGIN: Final = "http://showup.example"
_PREFIX: Final = "/tools/showup"
_LINK: Final = re.compile(r'\b(href|src|action|hx-get|hx-post|hx-push-url|data-live)="([^"#][^"]*)"')
_FOLLOWED: Final = ("href", "src", "hx-get")
_ELSEWHERE: Final = ("tel:", "mailto:", "https://", "data:")
_PAGES: Final = (
    *("", "?who=team", "pipeline", "outcomes", "deals", "bookings", "people", "companies", "deals/new", "funnel"),
    *("analysis", "unmatched", "assistant", "settings/teammates", "setup", "mail", "deals/{deal}", "deals/{deal}/move"),
    *("bookings/{booking}", "outcome/{booking}", "people/{person}", "people/{person}/merge", "companies/{company}"),
)


class _Proxy:
    """Serves an app below a path, and nothing beside it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(_PREFIX)
        assert path != scope["path"], f"{scope['path']} is not below the prefix"
        await self.app({**scope, "path": path, "raw_path": path.encode()}, receive, send)


async def test_every_link_of_every_page_and_part_leads_below_the_prefix(scenario: Scenario) -> None:
    app = create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
    )
    browser = Browser(_Proxy(app), "admin")
    ids = {
        "deal": await scenario.deal_id("met"),
        "booking": await scenario.booking_id("met"),
        "person": scenario.person_id("sarah@acme.com"),
        "company": scenario.company_id("acme.com"),
    }
    seen: dict[str, str] = {}
    for page in _PAGES:
        address = f"{_ORIGIN}{_PREFIX}/{page.format(**ids)}"
        shown = await browser.get(address)
        assert shown.status_code == 200, page
        links = _links(address, shown)
        base = re.search(r'"X-Base": "([^"]+)"', shown.text)
        for part in {link for kind, link in links if kind == "hx-get"}:
            headers = {"HX-Request": "true", "X-Base": base.group(1) if base else ""}
            links |= _links(address, await browser.get(part, **headers))
        seen |= {urlsplit(link).path: page for kind, link in links if kind in _FOLLOWED}
        assert not [link for _, link in links if not link.startswith(f"{_ORIGIN}{_PREFIX}/")], page
    for path, page in seen.items():
        answer = await browser.get(f"{_ORIGIN}{path}")
        assert answer.status_code in (200, 303, 422), f"{page or 'Today'} links to {path}: {answer.status_code}"


async def test_a_form_leads_back_below_the_prefix(scenario: Scenario) -> None:
    app = create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
    )
    browser = Browser(_Proxy(app), "member")
    address = f"{_ORIGIN}{_PREFIX}/deals/{await scenario.deal_id('met')}/change"
    done = await browser.post(address, form="stage", stage="proposal", headers={"X-Base": "./"})
    assert urljoin(address, done.headers["location"]).startswith(f"{_ORIGIN}{_PREFIX}/deals/")


def _links(address: str, shown: httpx2.Response) -> set[tuple[str, str]]:
    found = {(kind, link.replace("&amp;", "&")) for kind, link in _LINK.findall(shown.text)}
    return {(kind, urljoin(address, link)) for kind, link in found if not link.startswith(_ELSEWHERE)}
