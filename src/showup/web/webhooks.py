"""The door for Cal.com's webhooks: signature, size, kept, answered. Bare ASGI, since this is the hot path.

Nothing here looks into a body before its signature is known to be right, and no outside system is called.
"""

from typing import Any, Final, Protocol

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from showup.access.account import Account
from showup.access.directory import AccountsAway
from showup.clock import Clock
from showup.inbox.keep import NotKept
from showup.inbox.raw_event import Incoming, Kept
from showup.sources.calcom.signature import is_signed
from showup.web.alarm import SignatureAlarm
from showup.web.answers import CANONICAL, OLDER_PATHS, Answer, Dialect, refusal

LARGEST_BODY: Final = 1024 * 1024
_PREFIX: Final = "/webhooks/calcom"

_AGAIN_IN: Final = 10


class Directory(Protocol):
    """Knows the Cal.com accounts by name; None is the default one."""

    async def find(self, name: str | None) -> Account | None:
        """The account, or None when there is none of that name; raises AccountsAway when that can't be said."""


class Keeper(Protocol):
    """Keeps what came in."""

    async def keep(self, incoming: Incoming) -> Kept:
        """Returns once it is durable; raises `NotKept` when that can't be in time."""


class WebhookDoor:
    """Serves the webhook paths, and hands every other request to `fallback`."""

    def __init__(self, directory: Directory, keeper: Keeper, clock: Clock, fallback: ASGIApp) -> None:
        self._directory = directory
        self._keeper = keeper
        self._clock = clock
        self._fallback = fallback
        self._alarm = SignatureAlarm()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI hands it over."""
        dialect = _dialect(scope)
        if dialect is None:
            await self._fallback(scope, receive, send)
            return
        answer = await self._answer(scope, receive, dialect)
        if answer is not None:
            await _send(send, answer)

    async def _answer(self, scope: Scope, receive: Receive, dialect: Dialect) -> Answer | None:
        if scope["method"] != "POST":
            return dialect.refused(refusal("post-only"))
        headers = dict(scope["headers"])
        body = await _body(receive, headers)
        if body is None:
            return None
        if isinstance(body, Answer):
            return dialect.refused(body)
        return await self._received(scope, headers, body, dialect)

    async def _received(self, scope: Scope, headers: dict[bytes, bytes], body: bytes, dialect: Dialect) -> Answer:
        name = _account_name(scope["path"])
        try:
            account = await self._directory.find(name)
        except AccountsAway:
            return dialect.refused(refusal("not-kept", retry_after=_AGAIN_IN))
        if account is None:
            return dialect.refused(refusal("unknown-account", f"`showup accounts add {name}` makes it."))
        if not account.secrets:
            return dialect.refused(refusal("no-secret", retry_after=_AGAIN_IN))
        signature = next((headers[one] for one in dialect.signature_headers if one in headers), None)
        if not is_signed(body, signature, account.secrets):
            self._alarm.note(account.name, _source_address(scope), self._clock())
            return dialect.refused(refusal("bad-signature"))
        try:
            kept = await self._keeper.keep(self._incoming(scope, headers, body, account))
        except NotKept:
            return dialect.refused(refusal("not-kept", retry_after=_AGAIN_IN))
        return dialect.kept(kept, body)

    def _incoming(self, scope: Scope, headers: dict[bytes, bytes], body: bytes, account: Account) -> Incoming:
        return Incoming(
            account_id=account.id,
            workspace_id=None if account.has_routes else account.workspace_id,
            body=body,
            received_at=self._clock(),
            content_type=_header(headers, b"content-type"),
            webhook_version=_header(headers, b"x-cal-webhook-version"),
            source_address=_source_address(scope),
        )


def _dialect(scope: Scope) -> Dialect | None:
    if scope["type"] != "http":
        return None
    path: str = scope["path"]
    if path == _PREFIX or (path.startswith(f"{_PREFIX}/") and "/" not in path[len(_PREFIX) + 1 :]):
        return CANONICAL
    return OLDER_PATHS.get(path)


def _account_name(path: str) -> str | None:
    return path[len(_PREFIX) + 1 :] or None if path.startswith(_PREFIX) else None


async def _body(receive: Receive, headers: dict[bytes, bytes]) -> bytes | Answer | None:
    """The whole body; an answer for one that is missing or too large; None when the sender has gone."""
    too_large = refusal("too-large")
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and (len(declared) > 12 or int(declared) > LARGEST_BODY):
        return too_large
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > LARGEST_BODY:
            return too_large
        chunks.append(chunk)
        if not message.get("more_body", False):
            break
    body = b"".join(chunks)
    return body or refusal("no-body")


def _header(headers: dict[bytes, bytes], name: bytes) -> str | None:
    found = headers.get(name)
    return found.decode("latin-1").replace("\x00", "")[:200] if found is not None else None


def _source_address(scope: Scope) -> str | None:
    client: Any = scope.get("client")
    return str(client[0]) if client else None


async def _send(send: Send, answer: Answer) -> None:
    body = msgspec.json.encode(answer.body)
    kind = b"application/problem+json" if answer.is_problem else b"application/json"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    if answer.retry_after is not None:
        headers.append((b"retry-after", str(answer.retry_after).encode()))
    if answer.status == 405:
        headers.append((b"allow", b"POST"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
