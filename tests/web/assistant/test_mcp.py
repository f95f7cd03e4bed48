"""The tools over MCP, with the official client: streamable HTTP with an API key, and stdio (AS2)."""

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from starlette.types import ASGIApp

from showup.assistant.catalogue import TOOLS
from tests.database_pool import DatabasePool
from tests.web.assistant.conftest import SECRET_KEY, at_once
from tests.web.sample_data import key_of
from tests.web.scenario import Scenario

URL = "http://showup.example/mcp"
MODES = ("auto", "legacy")
Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def connect(assistant_app: ASGIApp) -> Connect:
    """A factory of connected clients: takes the name of a key, and the protocol's era."""

    @asynccontextmanager
    async def open_client(key: str, mode: str = "auto", url: str = URL) -> AsyncIterator[Client]:
        headers = {"Authorization": f"Bearer {key_of(key)}"}
        transport = httpx2.ASGITransport(app=assistant_app)
        async with (
            httpx2.AsyncClient(transport=transport, headers=headers) as http_client,
            Client(streamable_http_client(url, http_client=http_client), mode=mode) as client,
        ):
            yield client

    return open_client


@pytest.fixture
def anonymous_client(assistant_app: ASGIApp) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=assistant_app), base_url="http://showup.example")


@pytest.mark.parametrize("mode", MODES)
async def test_a_key_lists_and_calls_its_tools(connect: Connect, mode: str) -> None:
    async with connect("writer", mode) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(listed) == {tool.name for tool in TOOLS}
        found = await client.call_tool("search_people", {"q": "sarah"})
        assert not found.is_error
        assert found.structured_content["result"]["people"][0]["email"] == {"outside_text": "sarah@acme.com"}
        assert found.structured_content["workspace"] == "ours"


async def test_tools_say_what_they_do_to_the_world(connect: Connect) -> None:
    async with connect("writer") as client:
        listed = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
    assert {name for name, one in listed.items() if not one.read_only_hint} == {
        "record_outcome",
        "move_deal",
        "link_booking",
    }
    assert {name for name, one in listed.items() if one.open_world_hint} == {
        "cal_get_event_types",
        "cal_check_availability",
        "cal_get_booking_link",
    }


async def test_a_read_only_key_sees_and_calls_no_changing_tool(connect: Connect, scenario: Scenario) -> None:
    async with connect("reader") as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "move_deal" not in names
        answer = await client.call_tool(
            "move_deal", {"deal_id": str(await scenario.deal_id("met")), "stage": "proposal"}
        )
    assert answer.is_error
    assert await scenario.rows("approvals") == []


async def test_a_change_waits_for_a_person(connect: Connect, scenario: Scenario) -> None:
    arguments = {"deal_id": str(await scenario.deal_id("met")), "stage": "proposal"}
    async with connect("writer") as client:
        answer = await client.call_tool("move_deal", arguments)
    assert answer.structured_content["result"]["state"] == "pending"
    (row,) = await scenario.rows("approvals")
    assert row["requested_by"] == "key:writer"


async def test_an_error_says_what_to_do(connect: Connect) -> None:
    async with connect("writer") as client:
        answer = await client.call_tool("search_people", {"words": "sarah"})
    assert answer.is_error
    assert "q: Field required" in answer.content[0].text


async def test_a_key_for_all_workspaces_names_one_in_the_address(connect: Connect) -> None:
    async with connect("everywhere", url=f"{URL}?workspace=theirs") as client:
        found = await client.call_tool("search_deals", {})
    assert found.structured_content["workspace"] == "theirs"


async def test_many_clients_at_once_get_their_own_answers(connect: Connect) -> None:
    async def workspace_of(key: str) -> Any:
        async with connect(key) as client:
            return (await client.call_tool("search_deals", {})).structured_content["workspace"]

    found = await at_once(*(workspace_of(key) for key in ("writer", "stranger") * 3))
    assert found == ["ours", "theirs"] * 3


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer made-up"}, {"Authorization": "Basic x"}])
async def test_without_a_key_it_says_where_to_learn_more(
    anonymous_client: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    response = await anonymous_client.post("/mcp", json={}, headers=headers)
    assert response.status_code == 401
    url = "http://showup.example/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{url}"' in response.headers["www-authenticate"]
    described = (await anonymous_client.get(url)).json()
    assert described["resource"] == URL
    assert described["bearer_methods_supported"] == ["header"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Host": "evil.example"}, 421), ({"Origin": "https://evil.example"}, 403)],
)
async def test_other_hosts_and_origins_are_refused(
    anonymous_client: httpx2.AsyncClient, headers: dict[str, str], status: int
) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    own = {"Authorization": f"Bearer {key_of('writer')}", "Accept": "application/json, text/event-stream"}
    response = await anonymous_client.post("/mcp", json=body, headers=own | headers)
    assert response.status_code == status


async def test_a_huge_or_broken_body_is_a_clear_error(anonymous_client: httpx2.AsyncClient) -> None:
    own = {
        "Authorization": f"Bearer {key_of('writer')}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
    }
    assert (await anonymous_client.post("/mcp", content=b"x" * 300_000, headers=own)).status_code == 413
    assert (await anonymous_client.post("/mcp", content=b"{", headers=own)).status_code == 400
    assert (await anonymous_client.get("/mcp", headers=own)).status_code == 405


async def test_stdio_serves_the_same_tools(database_pool: DatabasePool, scenario_template: str, tmp_path: Path) -> None:
    async with database_pool.database(scenario_template) as url:
        environment = {
            **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME")},
            "DATABASE_URL": url,
            "SHOWUP_SECRET_KEY": SECRET_KEY,
            "SHOWUP_MCP_KEY": key_of("reader"),
        }
        parameters = StdioServerParameters(
            command=sys.executable, args=["-m", "showup", "mcp"], env=environment, cwd=tmp_path
        )
        async with Client(stdio_client(parameters)) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            found = await client.call_tool("search_companies", {"q": "acme"})
        assert "today" in names
        assert "move_deal" not in names
        assert len(found.structured_content["result"]["companies"]) == 1
