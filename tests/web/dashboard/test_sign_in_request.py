"""AP6: “Send me a link instead”: one answer for every address, a link for a teammate that works once for 15 minutes."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import workspaces_store
from showup.access.secrets_at_rest import Seal
from showup.container import event_handlers
from showup.database.engine import transaction
from showup.destinations import public_http, vendor_api
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch.destination_context import Clients
from showup.dispatch.destination_resolver import DestinationResolver, MailAccess
from showup.dispatch.sign_in_mail import SignInMailer
from showup.web.app import create_app
from showup.web.http.app_state import AppState
from showup.web.http.middleware import with_middleware
from tests.destinations.email.rendered_mail import renderer
from tests.destinations.fake_vendors.smtp import FakeSmtp
from tests.web.sample_data import ADMIN_KEY, NOW

pytestmark = pytest.mark.usefixtures("own_sample_database")
MEMBER = "member@ours.example"


class Site:
    """Showup with a mail account or without; `now` is its time."""

    def __init__(
        self, engine: AsyncEngine, smtp_url: str | None, *, sender: str | None = "team@seller.example"
    ) -> None:
        self.now = NOW
        policy = AddressPolicy(allow_private=True)

        @asynccontextmanager
        async def open_clients() -> AsyncIterator[Clients]:
            async with vendor_api.client("0") as trusted, public_http.client("0", policy) as untrusted:
                yield Clients(trusted=trusted, untrusted=untrusted, address_policy=policy)

        def build_resolver(clients: Clients) -> DestinationResolver:
            return DestinationResolver(
                engine,
                Seal(["a key for tests"]),
                lambda: self.now,
                clients=clients,
                environment=MailAccess(resend_url="http://127.0.0.1:1", smtp_url=smtp_url),
                renderer=lambda _: renderer(),
                retry_after=(timedelta(seconds=30),),
            )

        has_carrier = smtp_url is not None
        mailer = SignInMailer(engine, open_clients, build_resolver, sender=sender, environment_carrier=has_carrier)
        app = create_app(
            engine=engine,
            clock=lambda: self.now,
            admin_key=ADMIN_KEY,
            version="0",
            event_handlers=event_handlers(),
            sign_in_mailer=mailer,
            public_url="https://showup.example",
        )
        self.state: AppState = app.state.showup
        self.transport = httpx2.ASGITransport(app=with_middleware(app, cors_origins=[]))
        self.client = self.browser()

    def browser(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            transport=self.transport, base_url="http://showup.example", headers={"Sec-Fetch-Site": "same-origin"}
        )

    async def ask(self, email: str) -> httpx2.Response:
        response = await self.client.post("/signin/link", data={"email": email})
        await asyncio.gather(*self.state.sending_links)
        return response


async def test_a_teammate_gets_a_link_that_works_once_and_for_fifteen_minutes(sample_engine: AsyncEngine) -> None:
    await add_default_workspace(sample_engine)
    with FakeSmtp() as smtp:
        site = Site(sample_engine, smtp.url)
        assert "Send me a link instead" in (await site.client.get("/signin")).text
        assert "Send me a link" in (await site.client.get("/signin/link")).text
        answer = await site.ask(" Member@Ours.example")
        other = await site.ask("nobody@ours.example")
        assert answer.text.replace(MEMBER, "x") == other.text.replace("nobody@ours.example", "x")
        (mail,) = smtp.taken
        assert mail.recipients == [MEMBER]
        path = link_in(smtp)
        for _ in range(2):
            assert (await site.client.get(path)).status_code == 200, "a mail scanner opens it first"
        site.now += timedelta(minutes=14)
        browser = site.browser()
        assert (await browser.post(path)).status_code == 303
        assert (await browser.get("/")).status_code == 200
        assert (await site.browser().post(path)).status_code == 404


async def test_a_link_expires_after_fifteen_minutes_and_no_table_holds_it(sample_engine: AsyncEngine) -> None:
    with FakeSmtp() as smtp:
        site = Site(sample_engine, smtp.url)
        await add_default_workspace(sample_engine)
        await site.ask(MEMBER)
        path = link_in(smtp)
        site.now += timedelta(minutes=16)
        assert (await site.client.get(path)).status_code == 404
        assert path.rpartition("/")[2] not in await stored_texts(sample_engine)


def link_in(smtp: FakeSmtp) -> str:
    """Return the path of the link in the newest mail's text."""
    text = smtp.taken[-1].message.get_body(("plain",)).get_content()
    return re.search(r"https://showup\.example(/signin/\S+)", text)[1]


async def add_default_workspace(engine: AsyncEngine) -> None:
    """The mail account of the environment is the default workspace's."""
    async with transaction(engine) as tx:
        await workspaces_store.add(tx, slug="default", name="Default")


async def stored_texts(engine: AsyncEngine) -> str:
    async with engine.connect() as tx:
        tables = ("sign_in_links", "sign_in_log", "deliveries", "delivery_contents")
        found = [(await tx.exec_driver_sql(f"SELECT t::text FROM showup.{one} t")).scalars().all() for one in tables]  # noqa: S608
        return str(found)


async def test_asking_again_and_again_is_throttled_for_every_address_alike(sample_engine: AsyncEngine) -> None:
    with FakeSmtp() as smtp:
        site = Site(sample_engine, smtp.url)
        statuses = [(await site.ask(f"nobody{number}@ours.example")).status_code for number in range(6)]
        assert statuses == [200] * 5 + [429]
        assert (await site.ask(MEMBER)).status_code == 429
        assert smtp.taken == []
        site.now += timedelta(minutes=3)
        assert (await site.ask("no address")).status_code == 422
        foreign = await site.client.post(
            "/signin/link", data={"email": MEMBER}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert foreign.status_code == 403


async def test_it_comes_from_the_workspaces_own_sender_if_showup_toml_names_none(sample_engine: AsyncEngine) -> None:
    with FakeSmtp() as smtp:
        site = Site(sample_engine, smtp.url, sender=None)
        await add_default_workspace(sample_engine)
        await site.ask(MEMBER)
        assert smtp.taken[-1].message["From"] == "Showup <hello@ours.example>"


async def test_without_a_sender_or_a_mail_account_it_is_not_offered(sample_engine: AsyncEngine) -> None:
    async with sample_engine.begin() as tx:
        await tx.exec_driver_sql("DELETE FROM showup.senders")
    for site in (Site(sample_engine, None), Site(sample_engine, "smtp://127.0.0.1:1", sender=None)):
        page = await site.client.get("/signin")
        assert "Send me a link" not in page.text
        assert "showup teammates link" in page.text
        assert [(await site.client.get("/signin/link")).status_code, (await site.ask(MEMBER)).status_code] == [404, 404]
