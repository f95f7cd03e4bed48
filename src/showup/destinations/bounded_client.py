"""An HTTP client that reads no more of a response than fits into memory, from vendors too (S13)."""

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx2

MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024
"""No expected response is this long."""

_UNCOMPRESSED: Final = "identity"


class BoundedClient(httpx2.AsyncClient):
    """httpx2's client, which raises DecodingError for a response that is too large or compressed.

    It asks for uncompressed responses: a small compressed one may expand without limit.
    """

    def __init__(self, *, headers: dict[str, str], **options: Any) -> None:
        super().__init__(headers=headers | {"Accept-Encoding": _UNCOMPRESSED}, **options)

    async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """Sends a request and reads its response, up to the limit."""
        response = await super().send(request, stream=True, **options)
        response.stream = _BoundedStream(response)
        if not stream:
            try:
                await response.aread()
            except BaseException:
                await response.aclose()
                raise
        return response


class _BoundedStream(httpx2.AsyncByteStream):
    """A response read up to a size limit; a compressed one is not read."""

    def __init__(self, response: httpx2.Response) -> None:
        assert isinstance(response.stream, httpx2.AsyncByteStream), "an asynchronous client has such streams"
        self._stream = response.stream
        self._is_compressed = response.headers.get("content-encoding", _UNCOMPRESSED).lower() != _UNCOMPRESSED

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for part in self._stream:
            read += len(part)
            if self._is_compressed or read > MAX_RESPONSE_BYTES:
                raise httpx2.DecodingError("the response is compressed or too large")
            yield part

    async def aclose(self) -> None:
        """Closes the connection."""
        await self._stream.aclose()
