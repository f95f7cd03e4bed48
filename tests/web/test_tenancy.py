"""Let nobody in: every route, with no key, with too small a one, with one of another workspace."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from showup.access.permit import SCOPES
from showup.web.app import openapi_document
from tests.web.cast import KEYS, id_of
from tests.web.conftest import Asking

# Each one says nothing about anybody, or is needed before there is a key.
OPEN = {("GET", "/"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/docs")}
# They have no key: a signature and a sealed link let them in, as tests/feedback and tests/destinations/slack show.
SIGNED = {
    ("POST", "/webhooks/resend"),
    ("POST", "/webhooks/resend/{name}"),
    ("POST", "/webhooks/slack/actions"),
    ("GET", "/unsubscribe/{token}"),
    ("POST", "/unsubscribe/{token}"),
}
# Looked at in a browser, with a key as the password: tests/web/test_outbox.py shows who may.
LOOKED_AT = {
    ("GET", "/outbox"),
    ("GET", "/outbox/{delivery_id}"),
    ("GET", "/outbox/{delivery_id}/mail"),
    ("GET", "/outbox/{delivery_id}/invite.ics"),
}
# Of FastAPI's own making, with no endpoint of ours behind it.
OPENAPI = ("GET", "/openapi.json")

# Sums over all workspaces, for a key that opens all of them. Who asks here comes by another name than this machine's:
# tests/web/test_metrics.py shows who needs no key.
OF_ALL = {"/metrics"}

# What there is of ours to ask for, by the name in the path. A new name must be given its thing here.
OURS = {
    "deal_id": id_of("ours.acme_deal"),
    "booking_id": id_of("ours.intro"),
    "company_id": id_of("ours.acme"),
    "person_id": id_of("ours.sarah"),
    "event_id": id_of("ours.garbled"),
    "merge_id": id_of("ours.merge"),
    "suppression_id": id_of("ours.bounced"),
    "delivery_id": id_of("ours.confirmed"),
    "endpoint_id": id_of("ours.endpoint"),
    "connection_id": id_of("ours.account"),
    "name": "default",
    "token": "made-up",
}
# What the stranger has in their own workspace, as each list and the stats must count it.
NOUNS = (
    "deals",
    "bookings",
    "companies",
    "people",
    "deliveries",
    "events",
    "merges",
    "suppressions",
    "lanes",
    "endpoints",
    "connections",
)
THEIRS = {f"/api/{noun}": 1 for noun in NOUNS}
# They are read by who may change them.
ADMINS_READ = {"/api/rules", "/api/connections", "/api/endpoints", "/api/endpoints/{endpoint_id}"}
# The links in a mail change something for whoever follows them.
WRITERS_READ = {"/api/deliveries/{delivery_id}/content"}


class Way(NamedTuple):
    method: str
    path: str

    @property
    def of_ours(self) -> str:
        return self.path.format(**OURS)

    @property
    def is_command(self) -> bool:
        return self.method != "GET"


def ways(app: FastAPI) -> Iterator[Way]:
    for route in iter_route_contexts(app.routes):
        assert route.path is not None
        yield from (Way(method, route.path) for method in (route.methods or set()) - {"HEAD"})


def scope_of(way: Way) -> str:
    operation: dict[str, Any] = openapi_document()["paths"][way.path][way.method.lower()]
    ((scope,),) = (scopes for needed in operation["security"] for scopes in needed.values())
    assert isinstance(scope, str)
    return scope


@pytest.fixture
def guarded(app: FastAPI) -> list[Way]:
    return [way for way in ways(app) if way not in OPEN | SIGNED | LOOKED_AT | {OPENAPI}]


@pytest.mark.usefixtures("changes")
async def test_what_is_open_is_listed_here_and_nothing_else(app: FastAPI, anybody: httpx2.AsyncClient) -> None:
    answers = {way: (await anybody.request(way.method, way.of_ours)).status_code for way in ways(app)}
    assert {way for way, status in answers.items() if status == 200} == OPEN | {OPENAPI}
    assert {status for way, status in answers.items() if way not in OPEN | SIGNED | {OPENAPI}} == {401}
    assert {status for way, status in answers.items() if way in SIGNED} == {400, 404}


async def test_a_made_up_key_opens_nothing(guarded: list[Way], asking: Asking) -> None:
    for way in guarded:
        answer = await asking("made-up").request(way.method, way.of_ours)
        assert (way, answer.status_code) == (way, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.usefixtures("changes")
async def test_too_small_a_scope_is_refused(guarded: list[Way], asking: Asking) -> None:
    too_small = {"write": "reader", "admin": "writer"}
    refused = [way for way in guarded if scope_of(way) in too_small]
    assert refused, "no route asks for more than read, so this test shows nothing"
    for way in refused:
        answer = await asking(too_small[scope_of(way)]).request(way.method, way.of_ours)
        assert (way, answer.status_code) == (way, 403)
        assert "insufficient_scope" in answer.headers["www-authenticate"]


async def test_whatever_changes_something_asks_for_more_than_read(guarded: list[Way]) -> None:
    for way in guarded:
        more = SCOPES.index(scope_of(way)) > 0  # type: ignore[arg-type] # a str
        assert more is (way.is_command or way.path in ADMINS_READ | WRITERS_READ), way


@pytest.mark.usefixtures("changes")
async def test_a_stranger_with_every_scope_sees_nothing_of_ours(guarded: list[Way], asking: Asking) -> None:
    stranger = asking("stranger")
    for way in (way for way in guarded if not way.is_command):
        answer = await stranger.request(way.method, way.of_ours)
        if way.path in OF_ALL:
            assert (way, answer.status_code) == (way, 403)
        elif "{" in way.path:
            assert (way, answer.status_code) == (way, 404)
        elif way.path == "/api/rules":
            assert answer.json()["workspace"] == "theirs"
        elif way.path == "/api/stats":
            counted = answer.json()
            assert (counted["companies"], counted["people"], counted["bookings"]["total"]) == (1, 1, 1)
            assert counted["deals"]["active_value"] == {"EUR": 1}
        else:
            assert len(answer.json()["items"]) == THEIRS[way.path], way


@pytest.mark.usefixtures("changes")
async def test_the_owner_finds_what_the_stranger_does_not(guarded: list[Way], asking: Asking) -> None:
    for way in (way for way in guarded if not way.is_command):
        answer = await asking("everywhere" if way.path in OF_ALL else "admin").request(way.method, way.of_ours)
        assert (way, answer.status_code) == (way, 200)


@pytest.mark.parametrize("filters", ["company_id={acme}", "booking_id={intro}", "uid=uid-intro"])
async def test_no_filter_reaches_into_another_workspace(asking: Asking, filters: str) -> None:
    wanted = filters.format(acme=id_of("ours.acme"), intro=id_of("ours.intro"))
    paths = {"company_id": "/api/deals", "booking_id": "/api/deliveries", "uid": "/api/bookings"}
    path = f"{paths[wanted.partition('=')[0]]}?{wanted}"
    assert (await asking("stranger").get(path)).json()["items"] == []
    assert (await asking("reader").get(path)).json()["items"]


async def test_a_key_for_all_workspaces_sees_all_and_may_narrow(guarded: list[Way], asking: Asking) -> None:
    everywhere = asking("everywhere")
    for path in (way.path for way in guarded if way.path in THEIRS):
        every = len((await everywhere.get(path)).json()["items"])
        theirs = len((await everywhere.get(path, params={"workspace": "theirs"})).json()["items"])
        assert (every > theirs, theirs) == (True, 1), path


@pytest.mark.parametrize("slug", ["ours", "nowhere", "", "%00"])
async def test_naming_a_workspace_opens_none(asking: Asking, slug: str) -> None:
    assert (await asking("stranger").get(f"/api/deals?workspace={slug}")).status_code == 404


async def test_an_event_without_a_workspace_is_nobodys(asking: Asking) -> None:
    unrouted = f"/api/events/{id_of('ours.unrouted')}"
    assert KEYS["everywhere"] == (None, "admin")
    assert (await asking("everywhere").get(unrouted)).status_code == 200
    assert (await asking("writer").get(unrouted)).status_code == 404
