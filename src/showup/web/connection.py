"""A connection on which webhooks go straight to their door; every other request takes uvicorn's ordinary way to it.

The ordinary way costs more than all that the door does: an event, two checked messages and four layers a request
(docs/PERFORMANCE.md). This one knows a single shape of request, the one that Cal.com sends. What is odd about another
(its method, a body of unknown length, `Expect`, a query) is no matter of this file.
"""

import asyncio
from typing import Any, ClassVar, Final, NoReturn, cast

from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from showup.web.answers import CANONICAL, Answer, Dialect, refusal, written
from showup.web.every_answer import log_fault
from showup.web.headers import ALWAYS
from showup.web.webhooks import AGAIN_IN, WebhookDoor, dialect_of, is_fit

_ODD: Final = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"origin"})
_ALWAYS: Final = b"".join(b"%b: %b\r\n" % (name.lower().encode(), value.encode()) for name, value in ALWAYS.items())
# uvicorn wakes whoever waits for more of a body; here nobody does.
_UNAWAITED: Final = asyncio.Event()


class Connection(HttpToolsProtocol):
    """One client's connection, as `connections_to` makes them for a door."""

    door: ClassVar[WebhookDoor]
    proxies: ClassVar[ProxyHeadersMiddleware | None]

    _coming = True
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.door.come_within, self._let_go)

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_come()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # Most requests come whole; only one that does not has to be watched.
        if self._coming and not self.transport.is_closing():
            self._watch()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._coming = True

    def on_headers_complete(self) -> None:
        webhook = self._webhook()
        if webhook is None:
            self._has_come()
            super().on_headers_complete()
        else:
            self.cycle = webhook

    def on_body(self, body: bytes) -> None:
        # Without uvicorn's pause after 64 KB, which only one who takes the pieces as they come can end.
        if isinstance(self.cycle, _Webhook):
            self.cycle.body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        webhook = self.cycle
        if not isinstance(webhook, _Webhook):
            super().on_message_complete()
        elif self._coming:
            self._has_come()
            task = self.loop.create_task(self._deliver(webhook))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def _webhook(self) -> "_Webhook | None":
        url = self.url
        before = cast(RequestResponseCycle | None, self.cycle)
        is_free = before is None or before.response_complete
        if not is_free or b"%" in url or b"?" in url or not url.isascii():
            return None
        path, headers = url.decode(), dict(self.headers)
        dialect = dialect_of(path)
        if dialect is None or not is_fit(headers) or not _ODD.isdisjoint(headers):
            return None
        if self.parser.get_method() != b"POST" or self.parser.get_http_version() != "1.1":
            return None
        asked = cast(Scope, self.scope)
        asked.update(method="POST", path=path)
        return _Webhook(dialect, asked, headers, keep_alive=self.parser.should_keep_alive())

    async def _deliver(self, webhook: "_Webhook") -> None:
        try:
            answer = await self._answer(webhook)
            if self.flow.write_paused:
                await self.flow.drain()
            self._respond(webhook, answer)
        finally:
            # Told to end while it was being kept: the sender hears nothing, and comes again.
            if not webhook.response_complete:
                self.transport.close()

    async def _answer(self, webhook: "_Webhook") -> Answer:
        asked = webhook.asked
        try:
            if self.proxies is not None:
                # It puts the client's own address in the place of the proxy's.
                await self.proxies(cast(Any, asked), _unasked, _unasked)
            return await self.door.received(asked, webhook.headers, bytes(webhook.body), webhook.dialect)
        except Exception as fault:  # noqa: BLE001  # logged, and answered as everywhere
            log_fault(asked, fault)
            return self.door.refuse(webhook.dialect, refusal("fault"))

    def _respond(self, webhook: "_Webhook", answer: Answer) -> None:
        webhook.response_complete = True
        if not self.transport.is_closing():
            self._write(answer, keep_alive=webhook.keep_alive)
        self.on_response_complete()

    def _write(self, answer: Answer, *, keep_alive: bool) -> None:
        headers, body = written(answer)
        named = [b"%b: %b\r\n" % header for header in (*self.server_state.default_headers, *headers)]
        end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((STATUS_LINE[answer.status], *named, _ALWAYS, end, body)))
        if not keep_alive:
            self.transport.close()

    def _watch(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.door.come_within, self._let_go)
        if isinstance(self.cycle, _Webhook) and not self.cycle.response_complete and not self.door.coming.add(self):
            full = refusal("not-kept", retry_after=AGAIN_IN)
            self._write(self.door.refuse(self.cycle.dialect, full), keep_alive=False)

    def _let_go(self) -> None:
        """Whoever sends a byte now and then would keep the connection, and what it holds, for ever."""
        if not self.transport.is_closing():
            self._write(self.door.refuse(CANONICAL, refusal("too-slow")), keep_alive=False)

    def _has_come(self) -> None:
        self._coming = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self.door.coming.remove(self)


class _Webhook(RequestResponseCycle):
    """One webhook from its head to its answer; it has what uvicorn asks of whatever keeps a connection busy."""

    def __init__(self, dialect: Dialect, asked: Scope, headers: dict[bytes, bytes], *, keep_alive: bool) -> None:
        self.dialect = dialect
        self.asked = asked
        self.headers = headers
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.response_complete = False
        self.disconnected = False
        self.message_event = _UNAWAITED


def connections_to(door: WebhookDoor, trusted_proxies: list[str]) -> type[Connection]:
    """What uvicorn is to make of each connection, `http=` of its configuration."""
    proxies = ProxyHeadersMiddleware(cast(Any, _nothing), trusted_proxies) if trusted_proxies else None
    return type("ConnectionToDoor", (Connection,), {"door": door, "proxies": proxies})


async def _nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
    pass


async def _unasked(_message: object = None) -> NoReturn:
    raise AssertionError("nothing is received or sent while an address is looked at")
