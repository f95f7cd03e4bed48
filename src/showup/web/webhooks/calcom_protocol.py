"""A connection protocol that passes webhooks directly to their endpoint; other requests use uvicorn's normal path.

The normal path costs more than all the work of the webhook endpoint: an event, two checked messages and four layers per
request (docs/PERFORMANCE.md). This protocol handles only the shape of request that Cal.com sends. Unusual requests
(another method, a body of unknown length, `Expect`, a query) take the normal path.
"""

import asyncio
from typing import Any, ClassVar, Final, NoReturn, cast

from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from showup.web.http.headers import SECURITY_HEADERS
from showup.web.http.middleware import log_fault
from showup.web.webhooks.calcom import RETRY_AFTER, WebhookEndpoint, find_response_format, has_valid_length
from showup.web.webhooks.calcom_responses import (
    CANONICAL,
    ResponseFormat,
    WebhookResponse,
    encode_response,
    refusal_response,
)

_UNSUPPORTED_HEADERS: Final = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"origin"})
_SECURITY_HEADERS: Final = b"".join(
    b"%b: %b\r\n" % (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
)
# uvicorn sets this event for an application that waits for more of a body; here no code waits for it.
_NEVER_SET: Final = asyncio.Event()


class WebhookProtocol(HttpToolsProtocol):
    """One client's connection to a webhook endpoint; `protocol_for` binds it to the endpoint."""

    endpoint: ClassVar[WebhookEndpoint]
    proxies: ClassVar[ProxyHeadersMiddleware | None]

    _is_receiving = True
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.endpoint.receive_timeout, self._time_out)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish_receiving()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # Most requests arrive in one piece; only the others need a timeout.
        if self._is_receiving and not self.transport.is_closing():
            self._limit_receiving()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_receiving = True

    def on_headers_complete(self) -> None:
        webhook = self._match_webhook()
        if webhook is None:
            self._finish_receiving()
            super().on_headers_complete()
        else:
            self.cycle = webhook

    def on_body(self, body: bytes) -> None:
        # Without uvicorn's pause after 64 KB, which only an application that reads the body in pieces can end.
        if isinstance(self.cycle, _WebhookCycle):
            self.cycle.body += body
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        webhook = self.cycle
        if not isinstance(webhook, _WebhookCycle):
            super().on_message_complete()
        elif self._is_receiving:
            self._finish_receiving()
            task = self.loop.create_task(self._handle_webhook(webhook))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def _match_webhook(self) -> "_WebhookCycle | None":
        url = self.url
        previous = cast(RequestResponseCycle | None, self.cycle)
        is_free = previous is None or previous.response_complete
        if not is_free or b"%" in url or b"?" in url or not url.isascii():
            return None
        path, headers = url.decode(), dict(self.headers)
        response_format = find_response_format(path)
        if response_format is None or not has_valid_length(headers) or not _UNSUPPORTED_HEADERS.isdisjoint(headers):
            return None
        if self.parser.get_method() != b"POST" or self.parser.get_http_version() != "1.1":
            return None
        request_scope = cast(Scope, self.scope)
        request_scope.update(method="POST", path=path)
        return _WebhookCycle(response_format, request_scope, headers, keep_alive=self.parser.should_keep_alive())

    async def _handle_webhook(self, webhook: "_WebhookCycle") -> None:
        try:
            response = await self._process(webhook)
            if self.flow.write_paused:
                await self.flow.drain()
            self._respond(webhook, response)
        finally:
            # Cancelled by a shutdown while the event was being stored: the sender gets no response and retries.
            if not webhook.response_complete:
                self.transport.close()

    async def _process(self, webhook: "_WebhookCycle") -> WebhookResponse:
        request_scope = webhook.request_scope
        try:
            if self.proxies is not None:
                # Replaces the proxy's address with the client's own address.
                await self.proxies(cast(Any, request_scope), _unused_channel, _unused_channel)
            return await self.endpoint.handle_webhook(
                request_scope, webhook.headers, bytes(webhook.body), webhook.response_format
            )
        except Exception as fault:  # noqa: BLE001  # logged, and answered with 500
            log_fault(request_scope, fault)
            return self.endpoint.record_refusal(webhook.response_format, refusal_response("fault"))

    def _respond(self, webhook: "_WebhookCycle", response: WebhookResponse) -> None:
        webhook.response_complete = True
        if not self.transport.is_closing():
            self._write(response, keep_alive=webhook.keep_alive)
        self.on_response_complete()

    def _write(self, response: WebhookResponse, *, keep_alive: bool) -> None:
        headers, body = encode_response(response)
        header_lines = [b"%b: %b\r\n" % header for header in (*self.server_state.default_headers, *headers)]
        end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((STATUS_LINE[response.status], *header_lines, _SECURITY_HEADERS, end, body)))
        if not keep_alive:
            self.transport.close()

    def _limit_receiving(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.endpoint.receive_timeout, self._time_out)
        if (
            isinstance(self.cycle, _WebhookCycle)
            and not self.cycle.response_complete
            and not self.endpoint.incoming_bodies.add(self)
        ):
            overloaded = refusal_response("not-stored", retry_after=RETRY_AFTER)
            self._write(self.endpoint.record_refusal(self.cycle.response_format, overloaded), keep_alive=False)

    def _time_out(self) -> None:
        """Close the connection if a request takes too long.

        Otherwise a client that sends a byte now and then would hold the connection and its memory forever.
        """
        if not self.transport.is_closing():
            self._write(self.endpoint.record_refusal(CANONICAL, refusal_response("too-slow")), keep_alive=False)

    def _finish_receiving(self) -> None:
        self._is_receiving = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self.endpoint.incoming_bodies.remove(self)


class _WebhookCycle(RequestResponseCycle):
    """One webhook request from its headers to its response, with the interface that uvicorn expects."""

    def __init__(
        self, response_format: ResponseFormat, request_scope: Scope, headers: dict[bytes, bytes], *, keep_alive: bool
    ) -> None:
        self.response_format = response_format
        self.request_scope = request_scope
        self.headers = headers
        self.keep_alive = keep_alive
        self.body = bytearray()
        self.response_complete = False
        self.disconnected = False
        self.message_event = _NEVER_SET


def protocol_for(endpoint: WebhookEndpoint, trusted_proxies: list[str]) -> type[WebhookProtocol]:
    """Return the protocol class for uvicorn's `http=` setting."""
    proxies = ProxyHeadersMiddleware(cast(Any, _noop_app), trusted_proxies) if trusted_proxies else None
    return type("BoundWebhookProtocol", (WebhookProtocol,), {"endpoint": endpoint, "proxies": proxies})


async def _noop_app(_scope: Scope, _receive: Receive, _send: Send) -> None:
    pass


async def _unused_channel(_message: object = None) -> NoReturn:
    raise AssertionError("the proxy middleware receives and sends nothing")
