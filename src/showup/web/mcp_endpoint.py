"""`/mcp`: the tools for language models over MCP, with an API key as Bearer token (AS2).

The documents of RFC 9728 tell clients that the key goes into the header; there is no authorization server.
"""

import re
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from showup.access.permission import SCOPES, Permission
from showup.access.workspaces_store import find
from showup.assistant.tool_context import ToolFailed, find_caller
from showup.web.http.app_state import AppState
from showup.web.http.key_check import find_permission
from showup.web.http.problems import Refusal

PATH: Final = "/mcp"
METADATA: Final = "/.well-known/oauth-protected-resource"
_BEARER: Final = re.compile(r"Bearer +(\S+)", re.IGNORECASE)


def add_mcp(app: FastAPI) -> None:
    """Add the endpoint and its documents to the app; they are no part of the REST API."""
    app.router.routes.append(Route(PATH, McpEndpoint(), methods=["POST", "GET", "DELETE"]))
    for path in (METADATA, f"{METADATA}{PATH}"):
        app.add_route(path, _describe_resource, include_in_schema=False)


class McpEndpoint:
    """ASGI application of the endpoint: it authenticates, and passes the request on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        state: AppState = request.app.state.showup
        try:
            permission = await _permission(request, state)
            if request.method != "POST":
                # There are no sessions, so there is no stream to open and no session to end.
                raise Refusal("no-such-method", "MCP needs the method POST here.", headers={"Allow": "POST"})
            async with state.assistant.read() as tx:
                caller = await find_caller(tx, permission)
        except Refusal as refusal:
            await refusal.response()(scope, receive, send)
            return
        except ToolFailed as failed:
            await Refusal("conflict", str(failed)).response()(scope, receive, send)
            return
        from showup.assistant.mcp_server import serve_http

        await serve_http(state.assistant, caller, scope, receive, send, version=version("showup"))


async def _permission(request: Request, state: AppState) -> Permission:
    key = _BEARER.fullmatch(request.headers.get("authorization", "").strip())
    permission = None if key is None else await find_permission(request, state, key[1])
    if permission is None:
        challenge = f'Bearer realm="showup", resource_metadata="{_metadata_url(state)}"'
        challenge += ', error="invalid_token"' if key is not None else ""
        detail = (
            "Send an API key as `Authorization: Bearer KEY`. Create one with `showup keys create NAME --scope read`."
        )
        raise Refusal("unauthorized", detail, headers={"WWW-Authenticate": challenge})
    slug = request.query_params.get("workspace")
    if slug is None:
        return permission
    async with state.read_engine.connect() as tx:
        workspace = None if "\0" in slug else await find(tx, slug)
    if workspace is None or not permission.can_see(workspace.id):
        raise Refusal("not-found", "The key can see no workspace with this name.")
    return permission.limited_to(workspace.id)


def _metadata_url(state: AppState) -> str:
    parts = urlsplit(state.public_url)
    return f"{parts.scheme}://{parts.netloc}{METADATA}{parts.path.rstrip('/')}{PATH}"


async def _describe_resource(request: Request) -> Response:
    """Return the resource's metadata (RFC 9728)."""
    state: AppState = request.app.state.showup
    described: dict[str, Any] = {
        "resource": f"{state.public_url.rstrip('/')}{PATH}",
        "resource_name": "Showup",
        "bearer_methods_supported": ["header"],
        "scopes_supported": list(SCOPES),
        "resource_documentation": f"{state.public_url.rstrip('/')}/docs",
    }
    return JSONResponse(described, headers={"Cache-Control": "max-age=300"})
