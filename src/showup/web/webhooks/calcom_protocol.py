"""A connection protocol that passes webhooks directly to their endpoint; other requests use uvicorn's normal path.

The normal path costs more than all the work of the webhook endpoint: an event, two checked messages and four layers per
request (docs/PERFORMANCE.md). This protocol handles only the shape of request that Cal.com sends. Unusual requests
(another method, a body of unknown length, `Expect`, a query) take the normal path. The limits of both paths are those
of `LimitedProtocol`.
"""

import asyncio
from typing import Any, ClassVar, Final, NoReturn, cast

from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from showup.web.http.connection_limits import DEFAULT_LIMITS, ConnectionLimits, OpenConnections
from showup.web.http.limited_protocol import LimitedProtocol
from showup.web.http.middleware import log_fault
from showup.web.webhooks.calcom import WebhookEndpoint, find_response_format, has_valid_length
from showup.web.webhooks.calcom_responses import (
    CANONICAL,
    ResponseFormat,
    WebhookResponse,
    encode_response,
    refusal_response,
)

_UNSUPPORTED_HEADERS: Final = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"origin"})
# uvicorn sets this event for an application that waits for more of a body; here no code waits for it.
_NEVER_SET: Final = asyncio.Event()


class WebhookProtocol(LimitedProtocol):
    """One client's connection to a webhook endpoint; `protocol_for` binds it to the endpoint."""

    endpoint: ClassVar[WebhookEndpoint]
    proxies: ClassVar[ProxyHeadersMiddleware | None]

    def refuse(self, kind: str) -> None:
        request_scope = cast(Scope | None, self.scope)
        if request_scope is not None and find_response_format(request_scope.get("path", "")) is not None:
            self.endpoint.record_refusal(CANONICAL, refusal_response(kind))
        super().refuse(kind)

    def start_request(self) -> None:
        webhook = self._match_webhook()
        if webhook is None:
            super().start_request()
        else:
            self.cycle = webhook

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if isinstance(self.cycle, _WebhookCycle):
            # Without uvicorn's pause after 64 KB, which only an application that reads the body in pieces can end.
            self.flow.resume_reading()

    def complete_request(self) -> None:
        webhook = self.cycle
        if not isinstance(webhook, _WebhookCycle):
            super().complete_request()
        else:
            task = self.loop.create_task(self._handle_webhook(webhook))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def _match_webhook(self) -> "_WebhookCycle | None":
        url = self.url
        if b"%" in url or b"?" in url or not url.isascii():
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
            headers, body = encode_response(response)
            self.write_response(response.status, headers, body, keep_alive=webhook.keep_alive)
            if not webhook.keep_alive:
                self.transport.close()
        self.on_response_complete()


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
        self.response_started = False
        self.response_complete = False
        self.disconnected = False
        self.message_event = _NEVER_SET


def protocol_for(
    endpoint: WebhookEndpoint,
    trusted_proxies: list[str],
    limits: ConnectionLimits = DEFAULT_LIMITS,
    *,
    draining: asyncio.Event | None = None,
) -> type[WebhookProtocol]:
    """Return the protocol class of one process for uvicorn's `http=` setting.

    Once `draining` is set, each connection ends with its next response.
    """
    proxies = ProxyHeadersMiddleware(cast(Any, _noop_app), trusted_proxies) if trusted_proxies else None
    open_connections = OpenConnections(limits, lambda host: proxies is not None and host in proxies.trusted_hosts)
    attributes = {
        "endpoint": endpoint,
        "proxies": proxies,
        "open_connections": open_connections,
        "draining": draining or asyncio.Event(),
    }
    return type("BoundWebhookProtocol", (WebhookProtocol,), attributes)


async def _noop_app(_scope: Scope, _receive: Receive, _send: Send) -> None:
    pass


async def _unused_channel(_message: object = None) -> NoReturn:
    raise AssertionError("the proxy middleware receives and sends nothing")
