"""One account, several clients: the first route that agrees decides (AP6)."""

from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import routes_store, workspaces_store
from showup.access.route import Route, Seen, workspace_for
from showup.database.engine import transaction

OWN, ACME, EUROPE = UUID(int=0), UUID(int=1), UUID(int=2)
ROUTES = (
    Route(workspace_id=EUROPE, event_type="demo", organizer_domain="acme.eu"),
    Route(workspace_id=ACME, organizer_domain="Acme.com"),
    Route(workspace_id=ACME, team_id=7),
)


@pytest.mark.parametrize(
    ("seen", "workspace"),
    [
        (Seen(event_type="demo", organizer_email="ann@acme.eu"), EUROPE),
        (Seen(event_type="intro", organizer_email="ann@acme.eu"), OWN),
        (Seen(event_type="intro", organizer_email="Ann@ACME.com"), ACME),
        (Seen(organizer_email="ann@notacme.com"), OWN),
        (Seen(team_id=7), ACME),
        (Seen(team_id=8), OWN),
        (Seen(), OWN),
    ],
)
def test_all_that_a_route_says_has_to_agree(seen: Seen, workspace: UUID) -> None:
    assert workspace_for(ROUTES, seen, otherwise=OWN) == workspace


def test_the_first_route_that_agrees_wins() -> None:
    both = (Route(workspace_id=EUROPE, team_id=7), *ROUTES)
    assert workspace_for(both, Seen(team_id=7), otherwise=OWN) == EUROPE


async def test_routes_are_kept_in_their_order(engine: AsyncEngine, account: UUID) -> None:
    async with transaction(engine) as tx:
        acme = await workspaces_store.add(tx, slug="acme", name="Acme")
        assert acme is not None
        wanted = [Route(workspace_id=acme.id, team_id=number) for number in (3, 1, 2)]
        await routes_store.replace(tx, account, wanted[:1])
        await routes_store.replace(tx, account, wanted)
    async with transaction(engine) as tx:
        assert await routes_store.of_account(tx, account) == wanted
