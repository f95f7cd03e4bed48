"""A process that backfills the history of a fake Cal.com and prints the size of each page; a test kills it.

Arguments: the database URL, the API URL, the API key, and the first and last time of the backfill.
"""

import asyncio
import sys
from datetime import datetime
from uuid import UUID

import httpx2

from showup import logs
from showup.container import build_projection_worker
from showup.database.engine import connect
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch.destination_context import Clients
from showup.reconcile.account import ApiAccess
from showup.reconcile.api_clients import ApiClients
from showup.reconcile.reconciler import Reconciler
from tests.fake_calcom.rows import Clock
from tests.reconcile.showup_instance import SEAL


async def main(database: str, url: str, key: str, since: str, until: str) -> None:
    engine, clock = connect(database), Clock(datetime.fromisoformat(until))
    async with httpx2.AsyncClient() as client:
        clients = Clients(trusted=client, untrusted=client, address_policy=AddressPolicy(allow_private=True))
        reconciler = Reconciler(
            engine,
            clock,
            access=ApiAccess(seal=SEAL, url=url, key=key),
            api=ApiClients(clients, clock).for_account,
            drain=build_projection_worker(engine, clock).drain_once,
        )
        (account,) = await reconciler.accounts()
        assert isinstance(account.id, UUID)
        span = datetime.fromisoformat(since), datetime.fromisoformat(until)
        await reconciler.backfill(account, *span, lambda many: print(many, flush=True))  # noqa: T201 - what it is for


if __name__ == "__main__":
    # Its standard output has only the sizes.
    logs.configure()
    asyncio.run(main(*sys.argv[1:]))
