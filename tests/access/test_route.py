"""One account for several clients: the first matching route decides the workspace (AP6)."""

from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access import routes_store, workspaces_store
from showup.access.route import Route, RouteAttributes, route_workspace
from showup.database.engine import transaction

OWN, ACME, EUROPE = UUID(int=0), UUID(int=1), UUID(int=2)
ROUTES = (
    Route(workspace_id=EUROPE, event_type="demo", organizer_domain="acme.eu"),
    Route(workspace_id=ACME, organizer_domain="Acme.com"),
    Route(workspace_id=ACME, team_id=7),
)


@pytest.mark.parametrize(
    ("attributes", "workspace"),
    [
        (RouteAttributes(event_type="demo", organizer_email="ann@acme.eu"), EUROPE),
        (RouteAttributes(event_type="intro", organizer_email="ann@acme.eu"), OWN),
        (RouteAttributes(event_type="intro", organizer_email="Ann@ACME.com"), ACME),
        (RouteAttributes(organizer_email="ann@notacme.com"), OWN),
        (RouteAttributes(team_id=7), ACME),
        (RouteAttributes(team_id=8), OWN),
        (RouteAttributes(), OWN),
    ],
)
def test_every_condition_of_a_route_has_to_match(attributes: RouteAttributes, workspace: UUID) -> None:
    assert route_workspace(ROUTES, attributes, default=OWN) == workspace


def test_the_first_matching_route_wins() -> None:
    both = (Route(workspace_id=EUROPE, team_id=7), *ROUTES)
    assert route_workspace(both, RouteAttributes(team_id=7), default=OWN) == EUROPE


async def test_routes_are_stored_in_their_order(engine: AsyncEngine, account: UUID) -> None:
    async with transaction(engine) as tx:
        acme = await workspaces_store.add(tx, slug="acme", name="Acme")
        assert acme is not None
        new_routes = [Route(workspace_id=acme.id, team_id=number) for number in (3, 1, 2)]
        await routes_store.replace_routes(tx, account, new_routes[:1])
        await routes_store.replace_routes(tx, account, new_routes)
    async with transaction(engine) as tx:
        assert await routes_store.list_routes(tx, account) == new_routes
