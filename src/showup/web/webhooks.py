"""The door for Cal.com's webhooks: signature, size, kept, answered. Bare ASGI, since this is the hot path.

Nothing here looks into a body before its signature is known to be right, and no outside system is called.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Final, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from showup.access.account import Account
from showup.access.directory import AccountsAway
from showup.clock import Clock
from showup.inbox.door_metrics import DoorMetrics
from showup.inbox.keep import NotKept
from showup.inbox.raw_event import Incoming, Kept
from showup.sources.calcom.signature import is_signed
from showup.web.answers import CANONICAL, OLDER_PATHS, Answer, Dialect, reason_of, refusal, written
from showup.web.bell import Bell

LARGEST_BODY: Final = 1024 * 1024
COME_WITHIN: Final = 10.0
"""Seconds for a request to come; whoever takes longer is let go, since nothing is known of them yet."""
MOST_COMING: Final = 100
"""Bodies that may be on their way at once, of those that don't come in one piece."""
AGAIN_IN: Final = 10
"""Seconds after which a webhook that could not be kept is asked for again."""
_PREFIX: Final = "/webhooks/calcom"
_LONGEST_LENGTH: Final = 12


class Directory(Protocol):
    """Knows the Cal.com accounts by name; None is the default one."""

    async def find(self, name: str | None) -> Account | None:
        """The account, or None when there is none of that name; raises AccountsAway when that can't be said."""


class Keeper(Protocol):
    """Keeps what came in."""

    def keep(self, incoming: Incoming) -> Awaitable[Kept]:
        """Done once it is durable; raises `NotKept` when that can't be in time."""


class Coming:
    """Bodies that are on their way: how many there are costs memory before anybody has shown a signature."""

    def __init__(self) -> None:
        self._whose: set[object] = set()

    def add(self, whose: object) -> bool:
        """Whether there is room for it, or it is here already."""
        if len(self._whose) >= MOST_COMING and whose not in self._whose:
            return False
        self._whose.add(whose)
        return True

    def remove(self, whose: object) -> None:
        """It has come, or its sender has gone."""
        self._whose.discard(whose)


class WebhookDoor:
    """Serves the webhook paths, and hands every other request to `fallback`; `come_within` are seconds."""

    def __init__(
        self,
        directory: Directory,
        keeper: Keeper,
        clock: Clock,
        fallback: ASGIApp,
        *,
        come_within: float = COME_WITHIN,
        metrics: DoorMetrics | None = None,
        bell: Bell | None = None,
    ) -> None:
        """Without `bell`, bad signatures are noted in the log alone."""
        self._directory = directory
        self._keeper = keeper
        self._clock = clock
        self._fallback = fallback
        self._bell = bell or Bell(None, clock)
        self._metrics = metrics
        self.come_within = come_within
        self.coming = Coming()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI hands it over."""
        dialect = dialect_of(scope["path"]) if scope["type"] == "http" else None
        if dialect is None:
            await self._fallback(scope, receive, send)
            return
        answer = await self._answer(scope, receive, dialect)
        if answer is not None:
            await _send(send, answer)

    def refuse(self, dialect: Dialect, refused: Answer) -> Answer:
        """The refusal as the path's dialect has it, counted by its reason."""
        if self._metrics is not None:
            self._metrics.refused(reason_of(refused))
        return dialect.refused(refused)

    async def _answer(self, scope: Scope, receive: Receive, dialect: Dialect) -> Answer | None:
        if scope["method"] != "POST":
            return self.refuse(dialect, refusal("post-only"))
        headers = dict(scope["headers"])
        body = await self._body(receive, headers)
        if body is None:
            return None
        if isinstance(body, Answer):
            return self.refuse(dialect, body)
        return await self.received(scope, headers, body, dialect)

    async def _body(self, receive: Receive, headers: dict[bytes, bytes]) -> bytes | Answer | None:
        one = object()
        if not self.coming.add(one):
            return refusal("not-kept", retry_after=AGAIN_IN)
        try:
            async with asyncio.timeout(self.come_within):
                return await _body(receive, headers)
        except TimeoutError:
            return refusal("too-slow")
        finally:
            self.coming.remove(one)

    async def received(self, scope: Scope, headers: Mapping[bytes, bytes], body: bytes, dialect: Dialect) -> Answer:
        """One webhook that is there; of `scope` only its path and client are looked at."""
        name = _account_name(scope["path"])
        try:
            account = await self._directory.find(name)
        except AccountsAway:
            return self.refuse(dialect, refusal("not-kept", retry_after=AGAIN_IN))
        if account is None:
            return self.refuse(dialect, refusal("unknown-account", f"`showup accounts add {name}` makes it."))
        if not account.secrets:
            return self.refuse(dialect, refusal("no-secret", retry_after=AGAIN_IN))
        signature = next((headers[one] for one in dialect.signature_headers if one in headers), None)
        if not is_signed(body, signature, account.secrets):
            self._bell.note(account.name, _source_address(scope), [account.workspace_id])
            return self.refuse(dialect, refusal("bad-signature"))
        try:
            kept = await self._keeper.keep(self._incoming(scope, headers, body, account))
        except NotKept:
            return self.refuse(dialect, refusal("not-kept", retry_after=AGAIN_IN))
        return dialect.kept(kept, body)

    def _incoming(self, scope: Scope, headers: Mapping[bytes, bytes], body: bytes, account: Account) -> Incoming:
        return Incoming(
            account_id=account.id,
            workspace_id=None if account.has_routes else account.workspace_id,
            body=body,
            received_at=self._clock(),
            content_type=_header(headers, b"content-type"),
            webhook_version=_header(headers, b"x-cal-webhook-version"),
            source_address=_source_address(scope),
        )


def dialect_of(path: str) -> Dialect | None:
    """How a webhook path answers; None for the paths of others."""
    if path == _PREFIX or (path.startswith(f"{_PREFIX}/") and "/" not in path[len(_PREFIX) + 1 :]):
        return CANONICAL
    return OLDER_PATHS.get(path)


def is_fit(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a body was declared, and is not too large."""
    declared = headers.get(b"content-length", b"")
    return declared.isdigit() and len(declared) <= _LONGEST_LENGTH and 0 < int(declared) <= LARGEST_BODY


def _account_name(path: str) -> str | None:
    return path[len(_PREFIX) + 1 :] or None if path.startswith(_PREFIX) else None


async def _body(receive: Receive, headers: dict[bytes, bytes]) -> bytes | Answer | None:
    """The whole body; an answer for one that is missing or too large; None when the sender has gone."""
    too_large = refusal("too-large")
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and (len(declared) > _LONGEST_LENGTH or int(declared) > LARGEST_BODY):
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


def _header(headers: Mapping[bytes, bytes], name: bytes) -> str | None:
    found = headers.get(name)
    return found.decode("latin-1").replace("\x00", "")[:200] if found is not None else None


def _source_address(scope: Scope) -> str | None:
    client: Any = scope.get("client")
    return str(client[0]) if client else None


async def _send(send: Send, answer: Answer) -> None:
    headers, body = written(answer)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
