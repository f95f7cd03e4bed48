"""A document that is the same for everybody until the process ends: its bytes are built once, at the first request."""

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Final

from fastapi import Request, Response

_CACHE_CONTROL: Final = "public, max-age=300"


class CachedDocument:
    """Serves the response that `build` returns, with an ETag; 304 without a body if the client has it already."""

    def __init__(self, build: Callable[[], Response]) -> None:
        self._build = build

    @cached_property
    def _built(self) -> Response:
        built = self._build()
        built.headers["ETag"] = f'"{hashlib.sha256(built.body).hexdigest()[:32]}"'
        built.headers["Cache-Control"] = _CACHE_CONTROL
        return built

    async def respond(self, request: Request) -> Response:
        """Return the response to a GET."""
        # A copy: middleware adds to a response's headers what belongs to one request.
        headers = dict(self._built.headers)
        if headers["etag"] in _etags(request.headers.get("If-None-Match", "")):
            return Response(status_code=304, headers={name: headers[name] for name in ("etag", "cache-control")})
        return Response(self._built.body, headers=headers)


def _etags(header: str) -> set[str]:
    # A proxy that compresses a response marks its ETag as weak.
    return {one.strip().removeprefix("W/") for one in header.split(",")}
