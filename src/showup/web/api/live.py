"""`/api/live`: which records change, while they change, as server-sent events (CA7)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, SecurityScopes
from pydantic import Field
from starlette.types import Receive, Scope, Send

from showup.access.permission import Permission
from showup.reads.live import ChangedRecords
from showup.web.http.app_state import AppState, State
from showup.web.http.auth import bearer, get_permission
from showup.web.http.key_check import find_permission
from showup.web.http.problems import Refusal, problem_examples
from showup.web.http.query_params import WorkspaceQuery
from showup.web.http.sessions import find_session
from showup.web.http.unit_of_work import resolve_workspace
from showup.web.live.feed import LiveMessage, end_queue

router = APIRouter(prefix="/api/live", tags=["live"])

# Proxies close connections that are silent for a minute; and so soon does a revoked key or an ended session count.
_HEARTBEAT: Final = 15.0
_RETRY_MILLISECONDS: Final = 2000
_STREAMS_PER_ACTOR: Final = 64
_MAX_NUMBER: Final = 2**63 - 1
_open_streams: Final[Counter[str]] = Counter()
_EXAMPLE: Final = 'retry: 2000\n\nid: 1204\nevent: booking\ndata: {"ids":["0f8fad5b-d9cb-469f-a165-70867728950e"]}\n\n'


class LiveQuery(WorkspaceQuery):
    """Query parameters of the stream."""

    since: int | None = Field(
        None, ge=0, le=_MAX_NUMBER, description="Begin after this `id`; by default with the next."
    )


async def _get_reader(
    request: Request,
    state: State,
    required: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Permission:
    """Return the permission of the key or, in a browser, of the session."""
    if credentials is None and (session := await find_session(request, state)) is not None:
        return session.permission
    return await get_permission(request, state, required, credentials)


@router.get(
    "",
    name="stream_changes",
    response_class=Response,
    responses={
        200: {"description": "OK", "content": {"text/event-stream": {"example": _EXAMPLE}}},
        **problem_examples("invalid"),
    },
)
async def stream_changes(
    request: Request,
    permission: Annotated[Permission, Security(_get_reader, scopes=["read"])],
    state: State,
    query: Annotated[LiveQuery, Query()],
    last_event_id: Annotated[str | None, Header(max_length=20, description="As a browser sends it to resume.")] = None,
) -> Any:
    """Stream which records of a workspace change.

    Events are `booking`, `deal`, `funnel` and `delivery`. Their data is `{"ids": […]}`: the ids of changed records;
    empty if they are not known, or too many. Get the records again to see the change. The events of one moment come
    together, and the last has an `id`. After a lost connection, `Last-Event-ID` continues there: no change is missed,
    and some may be repeated. `connection` with `{"database": false}` says that changes wait. The stream is never
    complete.
    """
    async with state.read_engine.connect() as tx:
        workspace = await resolve_workspace(tx, permission)
    is_resumed = last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit()
    since = min(int(last_event_id or ""), _MAX_NUMBER) if is_resumed else query.since
    place = _Place(workspace.id, since, is_resumed)
    return _EventStream(request, state, permission, place)


class _Place(NamedTuple):
    """Where a stream begins: after the entry `since` of the workspace's log; None: with the next one."""

    workspace_id: UUID
    since: int | None
    is_resumed: bool


class _EventStream(Response):
    """A response that goes on until the client leaves, or may no longer read."""

    def __init__(self, request: Request, state: AppState, permission: Permission, place: _Place) -> None:
        super().__init__(media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._request = request
        self._state = state
        self._actor = permission.actor
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the client is gone."""
        if _open_streams[self._actor] >= _STREAMS_PER_ACTOR:
            refusal = Refusal("too-many-reads", headers={"Retry-After": "10"})
            await refusal.response()(scope, receive, send)
            return
        _open_streams[self._actor] += 1
        left = asyncio.create_task(_wait_until_left(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async for text in self._texts(left):
                await send({"type": "http.response.body", "body": text, "more_body": True})
            if not left.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            left.cancel()
            _open_streams[self._actor] -= 1
            if not _open_streams[self._actor]:
                del _open_streams[self._actor]

    async def _texts(self, left: asyncio.Task[None]) -> AsyncIterator[bytes]:
        yield b"retry: %d\n\n" % _RETRY_MILLISECONDS
        place = self._place
        feed = self._state.live.subscribe(place.workspace_id, place.since, is_resumed=place.is_resumed)
        async with feed as queue:
            # A task that waits for both would be made and cancelled for each message of each page.
            left.add_done_callback(lambda _: end_queue(queue))
            while not left.done():
                message = await _next(queue)
                if message is _SILENT:
                    if not await self._may_read():
                        return
                    yield b": still here\n\n"
                elif isinstance(message, LiveMessage):
                    yield _encoded(message)
                else:
                    return

    async def _may_read(self) -> bool:
        request, state = self._request, self._state
        try:
            if (authorization := request.headers.get("Authorization")) is not None:
                permission = await find_permission(request, state, authorization.partition(" ")[2])
            else:
                session = await find_session(request, state)
                permission = None if session is None else session.permission
        except (Refusal, OSError):
            return False
        return permission is not None and permission.can_see(self._place.workspace_id)


_SILENT: Final = object()


async def _next(queue: asyncio.Queue[LiveMessage | None]) -> object:
    """Return the next message; _SILENT after a while without one, None at the end."""
    try:
        async with asyncio.timeout(_HEARTBEAT):
            return await queue.get()
    except TimeoutError:
        return _SILENT


async def _wait_until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _encoded(message: LiveMessage) -> bytes:
    """Return the events of a message, which are written once for all pages that it goes to."""
    if message.encoded is None:
        message.encoded = b"".join(_events(message))
    return message.encoded


def _events(message: LiveMessage) -> list[bytes]:
    events = []
    if message.is_connected is not None:
        events.append(_event("connection", {"database": message.is_connected}))
    if message.changes is not None:
        events += _events_of(message.changes)
    return events


def _events_of(changes: ChangedRecords) -> list[bytes]:
    named: dict[str, list[UUID] | None] = {"booking": changes.bookings, "deal": changes.deals}
    if changes.bookings is not None:
        # Whatever changes a booking may change a funnel.
        named["funnel"] = []
    if changes.deliveries:
        named["delivery"] = []
    events = [_event(name, {"ids": ids}) for name, ids in named.items() if ids is not None]
    # Only the last has the number: a client that lost some of them gets them all again.
    return [*events, b"id: %d\nevent: position\ndata: {}\n\n" % changes.number]


def _event(name: str, data: Any) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))
