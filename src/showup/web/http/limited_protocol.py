"""uvicorn's HTTP protocol with limits for all routes: bytes of a head, pipelined requests, deadlines, connections.

They are below ASGI, because a client takes memory and connections before an application sees its request. The parser
receives bytes in parts that end where a head or a body may end. So at most one request is parsed and unanswered. What
its client sent after it waits unparsed, and the socket is not read meanwhile.
"""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from math import inf
from typing import ClassVar, Final, cast

import httptools
import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from showup.clock import system_clock
from showup.web.http.connection_limits import OpenConnections
from showup.web.http.headers import SECURITY_HEADERS
from showup.web.http.problems import MEDIA_TYPE, PROBLEMS, problem_body

_BLANK_LINE: Final = b"\r\n\r\n"
# Bytes of a chunked body between two checks of what surrounds its chunks.
_CHUNKED_PART: Final = 4096
_RETRY_AFTER: Final = (b"retry-after", b"10")
_CLOSE: Final = (b"connection", b"close")
_SECURITY_HEADERS: Final = b"".join(
    b"%b: %b\r\n" % (name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()
)


class LimitedProtocol(HttpToolsProtocol):
    """One client's connection. A subclass binds it to the open connections of its process."""

    open_connections: ClassVar[OpenConnections]
    # Set when the process is about to stop: each connection then ends after its next response, which says so. To close
    # an idle one would lose the request that is on its way.
    draining: ClassVar[asyncio.Event]

    flow: "_LockableFlow"
    source: str | None = None
    deadline = inf
    incoming_bytes = 0
    url = b""

    # A request is expected or incomplete; False from its last byte until the next one begins.
    _is_receiving = True
    _is_in_head = True
    # The response was sent before the body had arrived: nothing more is read, and the client has some time to read it.
    _is_lingering = False
    # The response that was begun says that this connection closes after it.
    _is_last_response = False
    # Bytes of the current request that are not its body.
    _framing_bytes = 0
    _body_bytes = 0
    _chunk_bytes = 0
    # Bytes that are missing of a body of known length.
    _missing_bytes = 0
    # The last bytes received, because a blank line may arrive in two pieces.
    _tail = b""
    _held = b""
    _held_from = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self.flow = _LockableFlow(transport)
        self.source = self.open_connections.source_of(self.client[0] if self.client else None)
        self._set_deadline(self.open_connections.limits.receive_seconds)
        self.app = self._announcing_close(self.app)
        self.open_connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open_connections.remove(self)
        self._held = b""
        super().connection_lost(exc)

    def shutdown(self) -> None:
        if self._is_lingering:
            self.transport.abort()
        else:
            super().shutdown()

    def check_deadline(self, now: float) -> None:
        """End the connection if its deadline has passed: refuse an unfinished request, else close."""
        is_closing = self.transport.is_closing()
        if is_closing and self.deadline == inf:
            # The application failed: what it had written may wait for a client that does not read.
            self._set_deadline(self.open_connections.limits.drain_seconds)
        if now < self.deadline:
            return
        if is_closing or self._is_lingering or self.transport.get_write_buffer_size():
            self.transport.abort()
        elif self._is_receiving:
            self.refuse("too-slow")
        else:
            self.transport.close()

    def refuse(self, kind: str) -> None:
        """Answer an unfinished request with a problem type from PROBLEMS, and close; without an answer if it has one.

        The client may still be sending: closing at once would destroy the answer on its way.
        """
        if self._is_over():
            return
        if self._is_answering():
            is_answered = self.cycle.response_started or not self._is_receiving
            self.cycle.disconnected = True
            self.cycle.body = bytearray()
            self.cycle.message_event.set()
            if is_answered:
                self.transport.abort()
                return
        body = msgspec.json.encode(problem_body(kind))
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
        status = PROBLEMS[kind].status
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers.append(_RETRY_AFTER)
        self.write_response(status, headers, body, keep_alive=False)
        self._linger()

    def abort(self) -> None:
        """Close at once, without an answer."""
        self.transport.abort()

    def write_response(
        self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, *, keep_alive: bool
    ) -> None:
        """Write a complete response that no ASGI application made."""
        header_lines = [b"%b: %b\r\n" % header for header in (*self.server_state.default_headers, *headers)]
        end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((STATUS_LINE[status], *header_lines, _SECURITY_HEADERS, end, body)))

    def data_received(self, data: bytes) -> None:
        if not self._is_lingering:
            self._parse(self._held[self._held_from :] + data if self._held else data, 0)

    def _parse(self, data: bytes, start: int) -> None:
        self._held = b""
        while start < len(data) and not self._is_over():
            if not self._is_receiving and (self._is_answering() or self.flow.write_paused):
                self._held, self._held_from = data, start
                self.flow.lock_reading()
                break
            end = self._end_of_part(data, start)
            if start == end:
                self.refuse("head-too-large")
                break
            self._framing_bytes += end - start
            self._missing_bytes = max(0, self._missing_bytes - (end - start))
            self._feed(data[start:end])
            start = end
            if self._is_receiving:
                self._check_framing()
        # Most requests arrive in one piece.
        if self._is_receiving or self._held or self.incoming_bytes:
            self._tail = data[-3:]
            self._count_incoming()

    def _feed(self, part: bytes) -> None:
        """Pass bytes to the parser; refuse what is not HTTP. Replaces uvicorn's answer and its log line for each."""
        try:
            self.parser.feed_data(part)
        except httptools.HttpParserUpgrade:
            self._unsupported_upgrade_warning()
        except httptools.HttpParserError as fault:
            address = self.client[0] if self.client else None
            self.open_connections.invalid_requests.warn(
                system_clock(), source_address=address, because=type(fault).__name__
            )
            self.refuse("malformed")

    def _end_of_part(self, data: bytes, start: int) -> int:
        """Return where the part that begins at `start` ends; `start` if no more bytes of a head are accepted."""
        if self._missing_bytes:
            return min(len(data), start + self._missing_bytes)
        accepted = self.open_connections.limits.head_bytes - self._framing_bytes if self._is_in_head else _CHUNKED_PART
        return min(self._after_blank_line(data, start), start + accepted)

    def _after_blank_line(self, data: bytes, start: int) -> int:
        # The parser accepts no other line ends. A chunked body ends with a blank line too.
        if start == 0 and self._framing_bytes:
            found = (self._tail + data[:3]).find(_BLANK_LINE)
            if found >= 0:
                return found + len(_BLANK_LINE) - len(self._tail)
        found = data.find(_BLANK_LINE, max(0, start - 3))
        return found + len(_BLANK_LINE) if found >= 0 else len(data)

    def _check_framing(self) -> None:
        limits = self.open_connections.limits
        if self._is_in_head and len(self.url) > limits.url_bytes:
            self.refuse("url-too-long")
        elif self._framing_bytes > limits.head_bytes:
            self.refuse("head-too-large")

    def _count_incoming(self) -> None:
        size = len(self._held) + (self._body_bytes if self._is_receiving else 0)
        if size != self.incoming_bytes and not self._is_over():
            self.open_connections.set_incoming(self, size)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_receiving = True
        self._set_deadline(self.open_connections.limits.receive_seconds)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if len(self.url) > self.open_connections.limits.url_bytes:
            self.refuse("url-too-long")
            return
        self._missing_bytes = next((int(value) for name, value in self.headers if name == b"content-length"), 0)
        self.start_request()
        # Trailers go to a list that nobody reads: they could replace headers that a proxy had checked.
        self.headers = []

    def start_request(self) -> None:
        """Start to answer the request whose head is complete."""
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._framing_bytes -= len(body)
        self._chunk_bytes += len(body)
        self._body_bytes += len(body)
        super().on_body(body)

    def on_chunk_complete(self) -> None:
        """Subtract what has to surround a chunk: its size and two line ends."""
        self._framing_bytes -= len(b"%x\r\n\r\n" % self._chunk_bytes)
        self._chunk_bytes = 0

    def on_message_complete(self) -> None:
        self._is_receiving, self._is_in_head = False, True
        self._framing_bytes = self._body_bytes = self._chunk_bytes = self._missing_bytes = 0
        if self._is_over():
            return
        self.deadline = inf
        if self.draining.is_set():
            self.cycle.keep_alive = False
        self.complete_request()

    def complete_request(self) -> None:
        """Tell the application that the request's body is complete."""
        super().on_message_complete()

    def _announcing_close(self, app: ASGIApp) -> ASGIApp:
        """Return `app`, whose responses say that the connection closes if they begin before the body has arrived.

        A client that isn't told uses the connection again, and its next request is lost.
        """

        async def announcing(scope: Scope, receive: Receive, send: Send) -> None:
            async def announce(message: Message) -> None:
                if message["type"] != "http.response.start" or not self._is_receiving:
                    await send(message)
                    return
                self._is_last_response = True
                await send({**message, "headers": [*message.get("headers", ()), _CLOSE]})
                # uvicorn would close at once, and destroy the response on its way.
                self.cycle.keep_alive = True

            await app(scope, receive, announce)

        return announcing

    def _unsupported_upgrade_warning(self) -> None:
        # The parser would take the body of such a request for the next request.
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """Continue with the next request, or wait for it. Replaces uvicorn's pipeline and its timer a request."""
        self.server_state.total_requests += 1
        limits = self.open_connections.limits
        if self.transport.is_closing():
            self._set_deadline(limits.drain_seconds)
        elif self._is_receiving or self._is_last_response:
            # To read the rest of the body would only cost time.
            self._linger()
        else:
            self._set_deadline(limits.drain_seconds if self.flow.write_paused else limits.idle_seconds)
            self._continue_soon()

    def pause_writing(self) -> None:
        super().pause_writing()
        if not self._is_over():
            self._set_deadline(self.open_connections.limits.drain_seconds)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._is_over() or self._is_receiving:
            return
        if self._is_answering():
            self.deadline = inf
        else:
            self._set_deadline(self.open_connections.limits.idle_seconds)
            self._continue_soon()

    def _continue_soon(self) -> None:
        if self._held:
            self.loop.call_soon(self._continue)
        else:
            self.flow.resume_reading()

    def _continue(self) -> None:
        self._parse(self._held, self._held_from)
        if not self._held and not self._is_over():
            self.flow.unlock_reading()

    def _linger(self) -> None:
        self._is_lingering = True
        self._held = b""
        self.open_connections.set_incoming(self, 0)
        self.flow.lock_reading()
        self.transport.write_eof()
        self._set_deadline(self.open_connections.limits.linger_seconds)

    def _is_answering(self) -> bool:
        cycle = cast(RequestResponseCycle | None, self.cycle)
        return cycle is not None and not cycle.response_complete

    def _is_over(self) -> bool:
        return self._is_lingering or self.transport.is_closing()

    def _set_deadline(self, seconds: float) -> None:
        self.deadline = self.loop.time() + seconds


class _LockableFlow(FlowControl):
    """Flow control that an application cannot resume while pipelined requests wait: it resumes for each `receive`."""

    _is_locked = False

    def lock_reading(self) -> None:
        self._is_locked = True
        self.pause_reading()

    def unlock_reading(self) -> None:
        self._is_locked = False
        self.resume_reading()

    def resume_reading(self) -> None:
        if not self._is_locked:
            super().resume_reading()
