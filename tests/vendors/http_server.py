"""A loopback HTTP server in threads, which can also misbehave: hang, reset connections, be down."""

import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from showup.clock import Clock

HOST = "127.0.0.1"
PAGE = b"<!doctype html><title>Welcome</title>"
_LINGER_ZERO = struct.pack("ii", 1, 0)


class Exchange(BaseHTTPRequestHandler):
    """One request, which is answered by `respond` or broken by `reset`."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Prints nothing."""

    def body(self) -> bytes:
        """Raises ConnectionError if the client went away, or was killed, before it had sent the whole body."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError("an incomplete request")
        return body

    def respond(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        # A client may stop reading a body that is too long for it.
        with suppress(OSError):
            self.wfile.write(body)

    def reset(self) -> None:
        """Resets the connection without a response."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.connection.close()
        self.close_connection = True


class HttpServer:
    """Listens from `start` to `stop`, and on the same port after another `start`.

    `handle` answers each request, in a thread of its own. The header Date has the time of `clock`.
    """

    def __init__(self, handle: Callable[[Exchange], None], clock: Clock, *, port: int = 0) -> None:
        class Handler(Exchange):
            def _any(self) -> None:
                handle(self)

            def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 - http.server's argument
                return format_datetime(clock().astimezone(UTC), usegmt=True)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - http.server's names

        self._handler = Handler
        self._server: _Server | None = None
        self.port = port
        self.start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        self._server = _Server(self._handler, self.port)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuses new connections, and closes open ones."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.close_connections()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # `stop` closes the connections of requests in progress, and does not wait for them.
    block_on_close = False
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int) -> None:
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((HOST, port), handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Closes all open connections."""
        with self._lock:
            for one in self._connections:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: Any) -> None:
        """Prints nothing when a client disconnects."""
