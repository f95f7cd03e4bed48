"""Access control: every route refuses a missing key, a key with too small a scope, and a foreign workspace's key."""

import csv
from collections.abc import Callable, Iterator
from hashlib import md5
from io import StringIO
from typing import Any, Final, NamedTuple
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from showup.access.permission import SCOPES
from showup.web.app import openapi_document
from showup.web.dashboard.assets import ASSETS
from tests.web.conftest import ClientFactory
from tests.web.sample_data import KEYS, id_of

# These contain no personal data, or are needed before a key exists.
OPEN = (
    {("GET", "/signin"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/docs")}
    | {("GET", f"/.well-known/oauth-protected-resource{path}") for path in ("", "/mcp")}
    | {("GET", f"/docs/{name}") for name in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js")}
    | {("GET", f"/static/{name}") for name in ASSETS}
)
# These use no key, but a signature or an encrypted link: see tests/feedback, tests/destinations/slack
# and tests/web/test_confirm.py.
SIGNED = {
    ("POST", "/webhooks/emailbison/{token}"),
    ("POST", "/webhooks/resend"),
    ("POST", "/webhooks/resend/{name}"),
    ("POST", "/webhooks/slack/actions"),
    ("GET", "/unsubscribe/{token}"),
    ("POST", "/unsubscribe/{token}"),
    ("GET", "/r/{token}"),
    ("POST", "/r/{token}"),
    ("GET", "/o/{token}"),
    ("POST", "/o/{token}"),
    ("GET", "/logos/{name}"),
}
SETTINGS_PAGES: Final = {
    *("workspaces", "accounts", "senders", "rules", "reminders", "outcome", "domains", "templates", "sample"),
    *("keys", "webhooks", "changes"),
}
# Teammates open these with a session: see tests/web/dashboard/test_page_access.py.
DASHBOARD: Final = {
    ("GET", "/"): "read",
    ("GET", "/parts/today"): "read",
    ("GET", "/pipeline"): "read",
    ("GET", "/parts/pipeline"): "read",
    ("GET", "/deals/{deal_id}/move"): "write",
    ("POST", "/deals/{deal_id}/move"): "write",
    ("GET", "/outcomes"): "read",
    ("GET", "/deals/new"): "write",
    ("POST", "/deals/new"): "write",
    ("GET", "/outcome/{booking_id}"): "write",
    ("POST", "/outcome/{booking_id}"): "write",
    ("POST", "/outcome/{booking_id}/consequences"): "write",
    ("GET", "/proposal/{booking_id}"): "write",
    ("POST", "/proposal/{booking_id}"): "write",
    ("POST", "/proposal/{booking_id}/lines"): "write",
    ("POST", "/proposal/{booking_id}/preview"): "write",
    ("POST", "/proposal/{booking_id}/picture"): "write",
    ("GET", "/proposals/{proposal_id}"): "read",
    ("GET", "/proposals/{proposal_id}/pdf"): "read",
    ("GET", "/proposals/{proposal_id}/page.png"): "read",
    ("POST", "/proposals/{proposal_id}/mark"): "write",
    ("GET", "/deals/{deal_id}"): "read",
    ("GET", "/parts/deals/{deal_id}"): "read",
    ("POST", "/deals/{deal_id}/change"): "write",
    ("POST", "/deals/{deal_id}/undo"): "write",
    ("POST", "/deals/{deal_id}/next-step"): "write",
    ("GET", "/bookings/{booking_id}"): "read",
    ("GET", "/parts/bookings/{booking_id}"): "read",
    ("POST", "/bookings/{booking_id}/outcome"): "write",
    ("POST", "/matches/{match_id}/restore"): "write",
    ("POST", "/bookings/{booking_id}/attendee"): "write",
    ("POST", "/bookings/{booking_id}/retry"): "write",
    ("POST", "/matches/{match_id}/undo"): "write",
    **{("GET", f"/{noun}"): "read" for noun in ("deals", "bookings", "people", "companies", "leads", "answers")},
    **{("GET", f"/{noun}.csv"): "read" for noun in ("deals", "bookings", "people", "companies", "leads", "answers")},
    **{("POST", f"/{noun}.csv"): "read" for noun in ("deals", "bookings", "people", "companies")},
    **{("POST", f"/{noun}"): "write" for noun in ("deals", "people", "companies")},
    ("GET", "/leads/import"): "write",
    ("POST", "/leads/import"): "write",
    ("POST", "/views"): "read",
    ("POST", "/views/{view_id}/remove"): "read",
    ("GET", "/people/{person_id}"): "read",
    ("GET", "/people/{person_id}/export"): "admin",
    ("GET", "/people/{person_id}/erase"): "admin",
    ("POST", "/people/{person_id}/erase"): "admin",
    ("GET", "/people/{person_id}/merge"): "write",
    ("POST", "/people/{person_id}/merge"): "write",
    ("POST", "/people/{person_id}/write-again"): "write",
    ("GET", "/companies/{company_id}"): "read",
    ("GET", "/companies/{company_id}/merge"): "write",
    ("POST", "/companies/{company_id}/merge"): "write",
    ("POST", "/merges/{merge_id}/undo"): "write",
    ("GET", "/search"): "read",
    ("GET", "/funnel"): "read",
    ("GET", "/funnel.csv"): "read",
    ("GET", "/analysis"): "read",
    ("GET", "/analysis.csv"): "read",
    ("GET", "/unmatched"): "read",
    ("GET", "/unmatched/{unmatched_id}"): "read",
    ("POST", "/unmatched/{unmatched_id}/link"): "write",
    ("POST", "/unmatched/{unmatched_id}/dismiss"): "write",
    ("POST", "/unmatched/{unmatched_id}/restore"): "write",
    ("POST", "/unmatched/matches/{match_id}/undo"): "write",
    ("GET", "/deliveries"): "read",
    ("POST", "/deliveries"): "write",
    ("GET", "/deliveries/{delivery_id}"): "read",
    ("POST", "/deliveries/{delivery_id}"): "write",
    ("GET", "/deliveries/{delivery_id}/html"): "write",
    ("GET", "/deliveries/{delivery_id}/invite.ics"): "write",
    ("GET", "/mail"): "write",
    ("GET", "/events"): "read",
    ("GET", "/events/{event_id}"): "read",
    ("GET", "/events/{event_id}/body"): "write",
    ("POST", "/events/{event_id}/replay"): "write",
    ("GET", "/connections"): "read",
    ("POST", "/connections/mail"): "admin",
    ("POST", "/connections/check"): "admin",
    ("POST", "/connections/webhooks/{endpoint_id}"): "admin",
    ("POST", "/connections/{connection_id}"): "admin",
    ("GET", "/connections/{connection_id}"): "admin",
    ("POST", "/connections/{connection_id}/settings"): "admin",
    ("GET", "/connections/new/{kind}"): "admin",
    ("POST", "/connections/new/{kind}"): "admin",
    ("GET", "/settings"): "read",
    ("POST", "/settings"): "read",
    ("GET", "/settings/teammates"): "read",
    **{("GET", f"/settings/{page}"): "admin" for page in SETTINGS_PAGES},
    **{("POST", f"/settings/{page}"): "admin" for page in SETTINGS_PAGES - {"templates", "changes"}},
    ("GET", "/settings/templates/mail"): "admin",
    ("GET", "/settings/senders/{sender_id}"): "admin",
    ("POST", "/settings/senders/{sender_id}"): "admin",
    ("POST", "/settings/keys/{key_id}/revoke"): "admin",
    ("POST", "/settings/accounts/{account_name}"): "admin",
    ("POST", "/settings/webhooks/{endpoint_id}"): "admin",
    ("POST", "/theme"): "read",
    ("POST", "/workspace"): "read",
    ("POST", "/signout"): "read",
    ("POST", "/bookings/{booking_id}/report"): "write",
    ("POST", "/deliveries/{delivery_id}/choose"): "write",
    ("POST", "/deliveries/retry"): "write",
    ("POST", "/unmatched/{unmatched_id}"): "write",
    ("GET", "/setup"): "admin",
    ("GET", "/setup/waiting"): "admin",
    ("GET", "/setup/reading"): "admin",
    ("POST", "/setup/you"): "admin",
    ("POST", "/setup/calcom"): "admin",
    ("POST", "/setup/mail"): "admin",
    ("POST", "/setup/reports"): "admin",
    ("POST", "/setup/sample"): "admin",
    ("POST", "/settings/teammates"): "admin",
    ("POST", "/settings/teammates/{teammate_id}"): "admin",
    ("GET", "/assistant"): "read",
    ("POST", "/assistant"): "write",
    ("GET", "/assistant/answers/{question_id}"): "write",
    ("GET", "/assistant/chats"): "read",
    ("POST", "/assistant/chats/{chat_id}"): "write",
    ("GET", "/assistant/approvals"): "read",
    ("POST", "/assistant/approvals/{approval_id}"): "write",
    ("GET", "/settings/assistant"): "read",
    ("POST", "/settings/assistant"): "admin",
    ("POST", "/settings/assistant/calcom"): "read",
    ("POST", "/settings/assistant/slack"): "write",
}
# A password or a one-time link opens these: see tests/web/dashboard/test_sign_in.py.
SIGN_IN = {
    ("POST", "/signin"),
    ("GET", "/signin/{token}"),
    ("POST", "/signin/{token}"),
    ("GET", "/signin/link"),
    ("POST", "/signin/link"),
}
# Cal.com's OAuth, for signed-in teammates: see tests/web/assistant/test_calcom_sign_in.py.
CALCOM_SIGN_IN = {("GET", "/api/calcom/auth-url"), ("GET", "/api/calcom/callback")}
# It checks keys itself, and has no description in the API's document: see tests/web/assistant/test_mcp.py.
MCP = {(method, "/mcp") for method in ("POST", "GET", "DELETE")}
# Its response never ends: see tests/web/dashboard/test_live.py.
STREAM = ("GET", "/api/live")
# FastAPI adds these routes; they have no endpoint of ours.
OPENAPI = ("GET", "/openapi.json")

# Sums over all workspaces, for a key for all of them. The clients of these tests do not use this machine's host name;
# tests/web/test_metrics.py tests which clients need no key.
ALL_WORKSPACES_PATHS = {"/metrics"}

DOCUMENT: Final = openapi_document()

# An object of ours for each parameter name in a path. A new parameter name needs an object here.
OURS = {
    "deal_id": id_of("ours.acme_deal"),
    "booking_id": id_of("ours.intro"),
    "company_id": id_of("ours.acme"),
    "person_id": id_of("ours.sarah"),
    "proposal_id": id_of("ours.proposal"),
    "event_id": id_of("ours.garbled"),
    "merge_id": id_of("ours.merge"),
    "match_id": id_of("ours.match"),
    # As the view `unmatched_bookings` makes it.
    "unmatched_id": UUID(md5(f"{id_of('ours.demo')}:p.at@gmail.com".encode(), usedforsecurity=False).hexdigest()),
    "suppression_id": id_of("ours.bounced"),
    "delivery_id": id_of("ours.confirmed"),
    "endpoint_id": id_of("ours.endpoint"),
    "client_id": "ours",
    "connection_id": id_of("ours.account"),
    "name": "default",
    "kind": "notion",
    "token": "made-up",
    "teammate_id": id_of("teammate.member"),
    "approval_id": id_of("ours.approval"),
    "question_id": id_of("ours.question"),
    "conversation_id": id_of("ours.conversation"),
    "chat_id": id_of("ours.conversation"),
    "tool": "move_deal",
    "view_id": id_of("ours.view"),
    "sender_id": id_of("ours.sender"),
    "key_id": id_of("key.writer"),
    "account_name": "ours-calcom",
}
# The objects in the stranger's own workspace, as each list and the stats must count them.
NOUNS = (
    "deals",
    "bookings",
    "companies",
    "people",
    "deliveries",
    "events",
    "merges",
    "campaigns",
    "leads",
    "unmatched",
    "suppressions",
    "queues",
    "endpoints",
    "connections",
    "attention",
    "workspaces",
    "approvals",
)
THEIRS = {f"/api/{noun}": 1 for noun in NOUNS}
# Mails that were sent, and people who booked.
THEIR_FUNNEL = (3, 1)
# Reading these requires the scope that changes them.
ADMIN_READ_PATHS = {
    *("/api/rules", "/api/connections", "/api/endpoints", "/api/endpoints/{endpoint_id}"),
    "/api/people/{person_id}/export",
}
# The links in a mail change data when someone follows them.
WRITE_READ_PATHS = {"/api/deliveries/{delivery_id}/content", "/api/events/{event_id}/body"}


class RouteMethod(NamedTuple):
    method: str
    path: str

    @property
    def our_path(self) -> str:
        return self.path.format(**OURS)

    @property
    def is_command(self) -> bool:
        return self.method != "GET"


def all_routes(app: FastAPI) -> Iterator[RouteMethod]:
    for route in iter_route_contexts(app.routes):
        assert route.path is not None
        yield from (RouteMethod(method, route.path) for method in (route.methods or set()) - {"HEAD"})


def scope_of(route: RouteMethod) -> str:
    operation: dict[str, Any] = DOCUMENT["paths"][route.path][route.method.lower()]
    ((scope,),) = (scopes for needed in operation["security"] for scopes in needed.values())
    assert isinstance(scope, str)
    return scope


@pytest.fixture
def guarded(app: FastAPI) -> list[RouteMethod]:
    others = OPEN | SIGNED | SIGN_IN | CALCOM_SIGN_IN | MCP | set(DASHBOARD) | {OPENAPI}
    return [route for route in all_routes(app) if route not in others]


@pytest.mark.usefixtures("own_sample_database")
async def test_only_the_listed_routes_are_open(app: FastAPI, anonymous: httpx2.AsyncClient) -> None:
    responses = {
        route: (await anonymous.request(route.method, route.our_path)).status_code for route in all_routes(app)
    }
    assert {route for route, status in responses.items() if status == 200} == OPEN | {OPENAPI}
    to_sign_in = {route for route, status in responses.items() if status == 303}
    assert to_sign_in == set(DASHBOARD) | CALCOM_SIGN_IN
    others = OPEN | SIGNED | SIGN_IN | CALCOM_SIGN_IN | set(DASHBOARD) | {OPENAPI}
    assert {status for route, status in responses.items() if route not in others} == {401}
    assert {status for route, status in responses.items() if route in SIGN_IN} == {404, 422}
    assert {status for route, status in responses.items() if route in SIGNED} == {400, 404}


async def test_a_made_up_key_opens_nothing(guarded: list[RouteMethod], client_as: ClientFactory) -> None:
    for route in guarded:
        response = await client_as("made-up").request(route.method, route.our_path)
        # The same address sends it again and again, and is throttled after some time.
        assert response.status_code in (401, 429), route
        assert response.status_code == 429 or response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.usefixtures("own_sample_database")
async def test_too_small_a_scope_is_refused(guarded: list[RouteMethod], client_as: ClientFactory) -> None:
    too_small = {"write": "reader", "admin": "writer"}
    refused = [route for route in guarded if scope_of(route) in too_small]
    assert refused, "no route requires more than the scope read, so this test checks nothing"
    for route in refused:
        response = await client_as(too_small[scope_of(route)]).request(route.method, route.our_path)
        assert (route, response.status_code) == (route, 403)
        assert "insufficient_scope" in response.headers["www-authenticate"]


async def test_every_write_needs_more_than_read(guarded: list[RouteMethod]) -> None:
    for route in guarded:
        more = SCOPES.index(scope_of(route)) > 0  # type: ignore[arg-type] # a str
        assert more is (route.is_command or route.path in ADMIN_READ_PATHS | WRITE_READ_PATHS), route


def counts_of_stats(response: httpx2.Response) -> Any:
    counted = response.json()
    bookings, value = counted["bookings"]["total"], counted["deals"]["active_value"]
    return counted["companies"], counted["people"], bookings, value


def counts_of_funnel(response: httpx2.Response) -> Any:
    is_csv = response.headers["content-type"].startswith("text/csv")
    [row] = csv.DictReader(StringIO(response.text)) if is_csv else [response.json()]
    return int(row["sent"]), int(row["booked"])


# What answers that list no items say to the stranger: what belongs to their workspace.
COUNTED_OF_THEIRS: dict[str, tuple[Callable[[httpx2.Response], Any], Any]] = {
    "/api/rules": (lambda response: response.json()["workspace"], "theirs"),
    "/api/chat": (lambda response: response.json()["conversations"], []),
    "/api/assistant": (lambda response: (response.json()["workspace"], response.json()["grants"]), ("theirs", [])),
    "/api/stats": (counts_of_stats, (1, 1, 1, {"EUR": 1})),
    # tests/reads/test_statement.py has webhooks of both.
    "/api/statement": (lambda response: [one["workspace"] for one in response.json()["items"]], ["theirs"]),
    "/api/funnel": (counts_of_funnel, THEIR_FUNNEL),
    "/api/funnel.csv": (counts_of_funnel, THEIR_FUNNEL),
    # tests/web/test_analysis.py has facts of both.
    "/api/analysis": (lambda response: response.json()["totals"]["total"], 0),
}


@pytest.mark.usefixtures("own_sample_database")
async def test_a_stranger_with_every_scope_sees_nothing_of_ours(
    guarded: list[RouteMethod], client_as: ClientFactory
) -> None:
    stranger = client_as("stranger")
    for route in (route for route in guarded if not route.is_command and route != STREAM):
        response = await stranger.request(route.method, route.our_path)
        if route.path in ALL_WORKSPACES_PATHS:
            assert (route, response.status_code) == (route, 403)
        elif "{" in route.path:
            assert (route, response.status_code) == (route, 404)
        elif route.path in COUNTED_OF_THEIRS:
            counted, expected = COUNTED_OF_THEIRS[route.path]
            assert counted(response) == expected, route
        else:
            assert len(response.json()["items"]) == THEIRS[route.path], route


@pytest.mark.usefixtures("own_sample_database")
async def test_the_owner_reads_every_route(guarded: list[RouteMethod], client_as: ClientFactory) -> None:
    for route in (route for route in guarded if not route.is_command and route != STREAM):
        response = await client_as("everywhere" if route.path in ALL_WORKSPACES_PATHS else "admin").request(
            route.method, route.our_path
        )
        assert (route, response.status_code) == (route, 200)


@pytest.mark.parametrize("filters", ["company_id={acme}", "booking_id={intro}", "uid=uid-intro"])
async def test_no_filter_reaches_into_another_workspace(client_as: ClientFactory, filters: str) -> None:
    query = filters.format(acme=id_of("ours.acme"), intro=id_of("ours.intro"))
    paths = {"company_id": "/api/deals", "booking_id": "/api/deliveries", "uid": "/api/bookings"}
    path = f"{paths[query.partition('=')[0]]}?{query}"
    assert (await client_as("stranger").get(path)).json()["items"] == []
    assert (await client_as("reader").get(path)).json()["items"]


async def test_a_key_for_all_workspaces_sees_all_and_may_narrow(
    guarded: list[RouteMethod], client_as: ClientFactory
) -> None:
    everywhere = client_as("everywhere")
    for path in (route.path for route in guarded if route.path in THEIRS):
        total = len((await everywhere.get(path)).json()["items"])
        theirs = len((await everywhere.get(path, params={"workspace": "theirs"})).json()["items"])
        assert (total > theirs, theirs) == (True, 1), path


@pytest.mark.parametrize("slug", ["ours", "nowhere", "", "%00"])
async def test_naming_a_workspace_gives_no_access(client_as: ClientFactory, slug: str) -> None:
    assert (await client_as("stranger").get(f"/api/deals?workspace={slug}")).status_code == 404


async def test_an_event_without_a_workspace_is_hidden(client_as: ClientFactory) -> None:
    unrouted = f"/api/events/{id_of('ours.unrouted')}"
    assert KEYS["everywhere"] == (None, "admin")
    assert (await client_as("everywhere").get(unrouted)).status_code == 200
    assert (await client_as("writer").get(unrouted)).status_code == 404
