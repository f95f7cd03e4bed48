"""S06: a connection that a user stored is called only at public addresses, whatever its name resolves to by then."""

import itertools
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.connections import senders_store
from showup.connections.setup import ConnectionSpec, set_up
from showup.database.engine import transaction
from showup.destinations import public_http, vendor_api
from showup.destinations.contract import Attempt, Delivered, Outcome, TryAgain
from showup.destinations.email.samples import sample_notification
from showup.destinations.email.settings import SenderRule
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch.destination_context import Clients
from showup.dispatch.destination_resolver import DestinationResolver, MailAccess
from showup.outbox.delivery import DestinationQueue
from showup.reconcile.account import ApiAccess, list_accounts_with_key
from showup.reconcile.api_clients import ApiClients
from showup.sources.calcom.api_errors import CalcomUnavailable
from showup.sources.calcom.client import CalcomClient
from tests.deliveries.scenario import SEAL
from tests.destinations.email.rendered_mail import renderer
from tests.destinations.fake_vendors.smtp import FakeSmtp
from tests.histories.webhooks import MONDAY
from tests.vendors.server import ReceivedRequest, VendorResponse, VendorServer


@pytest.fixture
async def clients() -> AsyncIterator[Clients]:
    policy = AddressPolicy()
    async with vendor_api.client("1") as trusted, public_http.client("1", policy) as untrusted:
        yield Clients(trusted=trusted, untrusted=untrusted, address_policy=policy)


@pytest.fixture
def fake_smtp() -> Iterator[FakeSmtp]:
    with FakeSmtp() as fake:
        yield fake


async def store(
    engine: AsyncEngine, workspace: UUID, kind: str, settings: Mapping[str, Any], credentials: Mapping[str, Any]
) -> None:
    spec = ConnectionSpec(workspace_id=workspace, kind=kind, name="main", settings=settings, credentials=credentials)
    async with transaction(engine) as tx:
        await set_up(tx, SEAL, spec, MONDAY)


async def send_mail(engine: AsyncEngine, workspace: UUID, clients: Clients, smtp_url: str | None) -> Outcome:
    resolver = DestinationResolver(
        engine,
        SEAL,
        lambda: MONDAY,
        clients=clients,
        environment=MailAccess(resend_url="http://127.0.0.1:1", smtp_url=smtp_url),
        renderer=lambda _: renderer(),
        retry_after=(),
    )
    connected = await resolver.resolve(DestinationQueue(workspace_id=workspace, destination="email"))
    notification = sample_notification("confirmation", "default")
    content = connected.destination.render(notification)
    return await connected.destination.send(Attempt(delivery_id=notification.delivery_id, content=content))


async def test_a_workspaces_own_senders_go_before_those_of_showup_toml(
    engine: AsyncEngine, workspace: UUID, clients: Clients
) -> None:
    """AP4: what an admin adds in the dashboard is used without a restart, the most exact sender first."""
    # A resolver keeps what it found for some seconds, so each asks some minutes later.
    minutes = itertools.count()
    resolver = DestinationResolver(
        engine,
        SEAL,
        lambda: MONDAY + next(minutes) * timedelta(minutes=1),
        clients=clients,
        environment=MailAccess(resend_url="http://127.0.0.1:1"),
        renderer=lambda _: renderer(),
        retry_after=(),
    )
    notification = sample_notification("confirmation", "default")
    expected = "team@seller.example"
    for rule in (
        None,
        SenderRule(address="all@seller.example"),
        SenderRule(address="domain@seller.example", domain="seller.example"),
        SenderRule(address="page@seller.example", host="book.seller.example"),
        SenderRule(address="other@seller.example", host="elsewhere.example"),
    ):
        if rule is not None:
            async with transaction(engine) as tx:
                await senders_store.add(tx, workspace, rule, actor="teammate:a@seller.example", now=MONDAY)
            expected = expected if rule.host == "elsewhere.example" else rule.address
        queue = DestinationQueue(workspace_id=workspace, destination="mail_preview")
        destination = (await resolver.resolve(queue)).destination
        assert f"<{expected}>" in destination.render(notification)["sender"]


async def test_s06_a_stored_mail_server_on_this_machine_gets_no_mail(
    engine: AsyncEngine, workspace: UUID, clients: Clients, fake_smtp: FakeSmtp
) -> None:
    await store(engine, workspace, "smtp", {}, {"url": fake_smtp.url})
    outcome = await send_mail(engine, workspace, clients, smtp_url=None)
    assert isinstance(outcome, TryAgain)
    assert "not a public address" in outcome.because
    assert fake_smtp.taken == []


async def test_s06_the_operators_mail_server_may_be_on_this_machine(
    engine: AsyncEngine, workspace: UUID, clients: Clients, fake_smtp: FakeSmtp
) -> None:
    assert isinstance(await send_mail(engine, workspace, clients, smtp_url=fake_smtp.url), Delivered)


class FakeCalcomInstance(VendorServer):
    """A self-hosted Cal.com that accepts every key."""

    def answer(self, request: ReceivedRequest) -> VendorResponse:  # noqa: ARG002 - the same for all
        return VendorResponse(
            200, {"status": "success", "data": {"id": 1, "username": "ann", "email": "ann@acme.example"}}
        )


async def test_s06_an_accounts_own_address_on_this_machine_gets_no_call(
    engine: AsyncEngine, workspace: UUID, clients: Clients
) -> None:
    with FakeCalcomInstance() as server:
        await store(engine, workspace, "calcom", {"api_url": f"{server.url}/v2"}, {"api_key": "cal_secret"})
        async with transaction(engine) as tx:
            accounts = await list_accounts_with_key(tx, ApiAccess(seal=SEAL, url="https://api.cal.com/v2"))
        (account,) = [one for one in accounts if one.name == "main"]
        client = ApiClients(clients, lambda: MONDAY).for_account(account)
        assert isinstance(client, CalcomClient)
        with pytest.raises(CalcomUnavailable, match="not a public address"):
            await client.me()
        assert server.requests == []
