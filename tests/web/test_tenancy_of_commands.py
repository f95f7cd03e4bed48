"""Access control of commands: each one as sent by its owner, with too small a scope, and by a stranger."""

from typing import Any, NamedTuple
from uuid import UUID

import pytest
from fastapi.routing import iter_route_contexts
from sqlalchemy import insert, update

from showup.container import event_handlers
from showup.database.engine import transaction
from showup.database.tables import approvals, deliveries, syncs, tool_grants
from showup.web.app import create_app
from tests.web.conftest import ClientFactory
from tests.web.sample_data import id_of
from tests.web.scenario import Scenario, ticking_clock
from tests.web.test_tenancy import DASHBOARD, SIGN_IN

# A stranger can create these in their own workspace although ours has the same; neither learns of the other.
OWN_WORKSPACE_COMMANDS = {
    *(("POST", "/api/people"), ("POST", "/api/companies"), ("PATCH", "/api/rules")),
    *(("POST", "/api/deliveries/retry"), ("POST", "/api/endpoints"), ("POST", "/api/connections")),
    ("POST", "/api/leads/import"),
    ("PATCH", "/api/assistant"),
}
ENDPOINT = {"url": "https://crm.example.com/hook", "kinds": ["deal.*"]}
CONNECTION = {
    "kind": "emailbison",
    "name": "leads",
    "settings": {"api_url": "https://dedi.emailbison.com"},
    "credentials": {"api_key": "1|x"},
}
ANOTHER_CONNECTION = {"kind": "resend", "name": "mail", "credentials": {"api_key": "re_x"}}
READ_METHODS = {"GET", "HEAD"}
# These need no key: tests/feedback and tests/destinations/slack test who may call them.
SIGNED = {
    "/webhooks/emailbison/{token}",
    "/webhooks/resend",
    "/webhooks/resend/{name}",
    "/webhooks/slack/actions",
    "/unsubscribe/{token}",
    "/r/{token}",
    "/o/{token}",
}
# Each key has conversations of its own, and MCP its own answers: see tests/web/assistant.
OWN_ANSWERS = {"/api/chat", "/api/chat/{conversation_id}", "/mcp"}
OWNED_TABLES = (
    "bookings",
    "deals",
    "people",
    "companies",
    "merges",
    "rules",
    "audit_log",
    "suppressions",
    "deliveries",
    "endpoints",
    "campaigns",
    "leads",
    "lead_imports",
    "campaign_leads",
    "matches",
    "proposals",
    "proposal_files",
    "approvals",
    "tool_grants",
)
# Read as CSV, this is the header of a file that has one column and no rows.
NO_LEADS = ["email"]
PROPOSAL: dict[str, Any] = {
    "title": "Offer",
    "items": [{"description": "Seats", "quantity": 8, "unit_price": 5100}],
    "currency": "USD",
}


class CommandRequest(NamedTuple):
    """A command with its body, on objects of ours."""

    method: str
    route: str
    path: str
    body: dict[str, Any] | list[str] | None


def registered_commands(scenario: Scenario) -> set[tuple[str, str]]:
    app = create_app(
        engine=scenario.engine, clock=ticking_clock(), admin_key=None, version="0", event_handlers=event_handlers()
    )
    return {
        (method, str(route.path))
        for route in iter_route_contexts(app.routes)
        if route.path not in SIGNED | OWN_ANSWERS | {path for _, path in {*DASHBOARD, *SIGN_IN}}
        for method in (route.methods or set()) - READ_METHODS
    }


def endpoint_requests(endpoint_id: UUID) -> list[CommandRequest]:
    route, path = "/api/endpoints/{endpoint_id}", f"/api/endpoints/{endpoint_id}"
    sent = id_of("ours.hooked")
    return [
        CommandRequest("POST", "/api/endpoints", "/api/endpoints", ENDPOINT),
        CommandRequest("PATCH", route, path, {"description": "ours"}),
        CommandRequest("POST", f"{route}/test", f"{path}/test", None),
        CommandRequest("POST", f"{route}/rotate-secret", f"{path}/rotate-secret", None),
        CommandRequest("POST", "/api/deliveries/{delivery_id}/redeliver", f"/api/deliveries/{sent}/redeliver", None),
        CommandRequest("DELETE", route, path, None),
    ]


def connection_requests(connection_id: UUID) -> list[CommandRequest]:
    route, path = "/api/connections/{connection_id}", f"/api/connections/{connection_id}"
    return [
        CommandRequest("POST", "/api/connections", "/api/connections", ANOTHER_CONNECTION),
        CommandRequest("PATCH", route, path, {"settings": {"rate_per_second": 3}}),
        CommandRequest("POST", f"{route}/test", f"{path}/test", None),
        CommandRequest("POST", f"{route}/sync", f"{path}/sync", {"full": True}),
        CommandRequest("DELETE", route, path, None),
    ]


async def add_to_schedule(scenario: Scenario, connection_id: str) -> None:
    """Puts the connection on the schedule of syncs, as a worker does."""
    async with transaction(scenario.engine) as tx:
        now = ticking_clock()()
        await tx.execute(insert(syncs).values(account_id=connection_id, began_at=now, next_at=now))


def review_requests(match_id: UUID, unmatched_id: str, lead_id: UUID) -> list[CommandRequest]:
    route, path = "/api/unmatched/{unmatched_id}", f"/api/unmatched/{unmatched_id}"
    return [
        CommandRequest("DELETE", "/api/matches/{match_id}", f"/api/matches/{match_id}", None),
        CommandRequest("POST", f"{route}/dismiss", f"{path}/dismiss", None),
        CommandRequest("POST", f"{route}/restore", f"{path}/restore", None),
        CommandRequest("POST", f"{route}/link", f"{path}/link", {"lead_id": str(lead_id)}),
    ]


async def assistant_requests(scenario: Scenario) -> list[CommandRequest]:
    """Return the decisions on approvals: one that was granted, one that waits, and one that was undone."""
    now = ticking_clock()()
    fixed = {"workspace_id": id_of("ours"), "tool": "move_deal", "arguments": {}, "difference": {"digest": "d"}}
    fixed |= {"requested_by": "key:writer", "created_at": now, "expires_at": now}
    states: dict[str, dict[str, Any]] = {
        "grant": {"state": "done"},
        "deny": {"state": "pending"},
        "undo": {"state": "done", "undone_at": now},
    }
    grant = {"workspace_id": id_of("ours"), "actor": "key:writer", "tool": "move_deal", "granted_by": "key:admin"}
    async with transaction(scenario.engine) as tx:
        for name, values in states.items():
            await tx.execute(insert(approvals).values(id=id_of(f"approval to {name}"), **fixed, **values))
        await tx.execute(insert(tool_grants).values(granted_at=now, **grant))
    route = "/api/approvals/{approval_id}"
    return [
        *(
            CommandRequest(
                "POST",
                f"{route}/{name}",
                f"/api/approvals/{id_of(f'approval to {name}')}/{name}",
                {"digest": "d"} if name == "grant" else None,
            )
            for name in states
        ),
        CommandRequest(
            "DELETE", "/api/assistant/grants/{tool}", "/api/assistant/grants/move_deal?actor=key:writer", None
        ),
        CommandRequest("PATCH", "/api/assistant", "/api/assistant", {"calls_per_day": 5}),
    ]


async def requests_for_ours(
    scenario: Scenario,
    merge_id: UUID,
    event_id: UUID,
    proposal_id: UUID,
    suppression_id: UUID,
    endpoint_id: UUID,
    connection_id: UUID,
) -> list[CommandRequest]:
    """Return each command once, in an order in which all succeed. A new route needs a body here."""
    deal, booking, private = (
        await scenario.deal_id("met"),
        await scenario.booking_id("met"),
        await scenario.booking_id("private"),
    )
    acme, initech = str(scenario.company_id("acme.com")), str(scenario.company_id("initech.com"))
    gina, ian, sarah = (
        scenario.person_id(email) for email in ("gina@globex.co.uk", "ian@initech.com", "sarah@acme.com")
    )
    waiting, question_id = id_of("ours.waiting"), id_of("ours.asked")
    people = {"gone_id": str(gina), "stays_id": str(ian)}
    return [
        CommandRequest("POST", "/api/leads/import", "/api/leads/import?campaign=Founders", NO_LEADS),
        CommandRequest("POST", "/api/deals", "/api/deals", {"company_id": initech}),
        CommandRequest("PATCH", "/api/deals/{deal_id}", f"/api/deals/{deal}", {"stage": "proposal"}),
        CommandRequest(
            "POST",
            "/api/bookings/{booking_id}/outcome",
            f"/api/bookings/{booking}/outcome",
            {"outcome": "showed"},
        ),
        CommandRequest("POST", "/api/bookings/{booking_id}/proposal", f"/api/bookings/{booking}/proposal", PROPOSAL),
        CommandRequest("PATCH", "/api/proposals/{proposal_id}", f"/api/proposals/{proposal_id}", {"status": "sent"}),
        CommandRequest(
            "POST",
            "/api/bookings/{booking_id}/attendee",
            f"/api/bookings/{booking}/attendee",
            {"attendee": "sarah@acme.com", "attendance": "showed"},
        ),
        CommandRequest(
            "POST",
            "/api/bookings/{booking_id}/next-step",
            f"/api/bookings/{booking}/next-step",
            {"next_step": "Call again."},
        ),
        CommandRequest(
            "POST", "/api/bookings/{booking_id}/move", f"/api/bookings/{private}/move", {"company_id": acme}
        ),
        CommandRequest("POST", "/api/people", "/api/people", {"email": "new@hooli.com"}),
        CommandRequest("PATCH", "/api/people/{person_id}", f"/api/people/{sarah}", {"name": "Sarah"}),
        CommandRequest(
            *("POST", "/api/people/{person_id}/erase", f"/api/people/{sarah}/erase"), {"email": "sarah@acme.com"}
        ),
        CommandRequest("POST", "/api/companies", "/api/companies", {"domain": "newco.example"}),
        CommandRequest(
            "PATCH", "/api/companies/{company_id}", f"/api/companies/{scenario.company_id('acme.com')}", {"name": "A"}
        ),
        CommandRequest("DELETE", "/api/merges/{merge_id}", f"/api/merges/{merge_id}", None),
        CommandRequest("POST", "/api/people/merge", "/api/people/merge", people),
        CommandRequest("POST", "/api/companies/merge", "/api/companies/merge", {"gone_id": initech, "stays_id": acme}),
        CommandRequest("POST", "/api/events/{event_id}/replay", f"/api/events/{event_id}/replay", None),
        CommandRequest("DELETE", "/api/suppressions/{suppression_id}", f"/api/suppressions/{suppression_id}", None),
        CommandRequest(
            "POST", "/api/deliveries/{delivery_id}/retry", f"/api/deliveries/{id_of('ours.failed')}/retry", None
        ),
        CommandRequest("POST", "/api/deliveries/{delivery_id}/withdraw", f"/api/deliveries/{waiting}/withdraw", None),
        CommandRequest(
            "POST", "/api/deliveries/{delivery_id}/choose", f"/api/deliveries/{question_id}/choose", {"record": "86a"}
        ),
        CommandRequest("POST", "/api/deliveries/retry", "/api/deliveries/retry", {}),
        *endpoint_requests(endpoint_id),
        *connection_requests(connection_id),
        CommandRequest("PATCH", "/api/rules", "/api/rules", {"changes": {"cancel_deal": "last_meeting"}}),
    ]


@pytest.fixture
async def requests(scenario: Scenario, scenario_client_as: ClientFactory) -> list[CommandRequest]:
    pair = {"gone_id": str(scenario.person_id("pat@gmail.com")), "stays_id": str(scenario.person_id("sarah@acme.com"))}
    merge = (await scenario_client_as("writer").post("/api/people/merge", json=pair)).json()
    (unreadable,) = await scenario.rows("inbox_events", trigger="BOOKING_CANCELLED", workspace_id=id_of("ours"))
    (stopped,) = await scenario.rows("suppressions", workspace_id=id_of("ours"))
    endpoint = (await scenario_client_as("admin").post("/api/endpoints", json=ENDPOINT)).json()
    async with transaction(scenario.engine) as tx:
        update_query = update(deliveries).where(deliveries.c.id == id_of("ours.hooked"))
        await tx.execute(update_query.values(destination=f"webhook:{endpoint['id']}"))
    connection = (await scenario_client_as("admin").post("/api/connections", json=CONNECTION)).json()
    await add_to_schedule(scenario, connection["id"])
    leads = b"email\nsarah@acme.com"
    await scenario_client_as("writer").post("/api/leads/import?campaign=Founders", content=leads)
    match, *_ = await scenario.rows("matches", workspace_id=id_of("ours"))
    unmatched, *_ = (await scenario_client_as("writer").get("/api/unmatched")).json()["items"]
    reviewed = review_requests(match["id"], unmatched["id"], match["lead_id"])
    reviewed += await assistant_requests(scenario)
    path = f"/api/bookings/{await scenario.booking_id('met')}/proposal"
    proposal = (await scenario_client_as("writer").post(path, json=PROPOSAL | {"title": "First"})).json()
    ids = [UUID(merge["id"]), unreadable["id"], UUID(proposal["id"]), stopped["id"]]
    ids += [UUID(item["id"]) for item in (endpoint, connection)]
    return [*reviewed, *await requests_for_ours(scenario, *ids)]


async def read_tables(scenario: Scenario) -> list[Any]:
    """Returns the rows in an order of their own: PostgreSQL's may change with the plan of the query."""
    tables = (*OWNED_TABLES, "inbox_events")
    return [sorted(await scenario.rows(table, workspace_id=id_of("ours")), key=str) for table in tables]


async def test_every_command_is_listed(requests: list[CommandRequest], scenario: Scenario) -> None:
    assert {(request.method, request.route) for request in requests} == registered_commands(scenario)


async def test_the_owner_may_run_every_command(
    requests: list[CommandRequest], scenario_client_as: ClientFactory
) -> None:
    for request in requests:
        response = await scenario_client_as("admin").request(request.method, request.path, json=request.body)
        # An applied event is not replayed; this test only checks that the event is found.
        expected = {409} if request.route.endswith("replay") else {200, 201}
        assert response.status_code in expected, (request, response.text)


@pytest.mark.parametrize("key_name", ["reader", "nobody"])
async def test_a_smaller_scope_is_refused(
    requests: list[CommandRequest], scenario_client_as: ClientFactory, scenario: Scenario, key_name: str
) -> None:
    before = await read_tables(scenario)
    for request in requests:
        response = await scenario_client_as(key_name).request(request.method, request.path, json=request.body)
        # The same address sends a wrong key again and again, and is throttled after some time.
        assert response.status_code in ({403} if key_name == "reader" else {401, 429}), request
    assert await read_tables(scenario) == before


async def test_a_stranger_changes_nothing_of_ours_and_learns_nothing(
    requests: list[CommandRequest], scenario_client_as: ClientFactory, scenario: Scenario
) -> None:
    before = await read_tables(scenario)
    for request in requests:
        response = await scenario_client_as("stranger").request(request.method, request.path, json=request.body)
        if (request.method, request.route) in OWN_WORKSPACE_COMMANDS:
            assert response.status_code in (200, 201), request
        else:
            # 404 for an id in the path, 422 for one in the body: the same as for an unknown id.
            assert (request, response.status_code) == (request, 404 if "{" in request.route else 422)
    assert await read_tables(scenario) == before


async def test_a_narrowed_key_sees_no_other_workspace(
    requests: list[CommandRequest], scenario_client_as: ClientFactory, scenario: Scenario
) -> None:
    before = await read_tables(scenario)
    for request in (request for request in requests if "{" in request.route):
        response = await scenario_client_as("everywhere").request(
            request.method,
            f"{request.path}{'&' if '?' in request.path else '?'}workspace=theirs",
            json=request.body,
        )
        assert (request, response.status_code) == (request, 404)
    assert await read_tables(scenario) == before
