"""Finds the API version that an instance supports for a group of endpoints: the current one, or the one before."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from showup.sources.calcom.api_errors import CalcomRefused, UnexpectedCalcomResponse

_T = TypeVar("_T")
# An old instance does not report an unknown version: it responds as its oldest version would.
_UNKNOWN_VERSION_STATUSES = (400, 404)


class VersionNegotiator:
    """Remembers the version of the first successful call: `current` or `previous`, dates as Cal.com writes versions."""

    def __init__(self, current: str, previous: str) -> None:
        self.current = current
        self.previous = previous
        self._negotiated: str | None = None

    async def call(self, send: Callable[[str], Awaitable[_T]]) -> _T:
        """Returns the result of `send` with the supported version; raises the error of the last version tried."""
        if self._negotiated is not None:
            return await send(self._negotiated)
        try:
            result = await send(self.current)
        except UnexpectedCalcomResponse:
            return await self._call_previous(send)
        except CalcomRefused as error:
            if error.status not in _UNKNOWN_VERSION_STATUSES:
                raise
            return await self._call_previous(send)
        self._negotiated = self.current
        return result

    async def _call_previous(self, send: Callable[[str], Awaitable[_T]]) -> _T:
        result = await send(self.previous)
        self._negotiated = self.previous
        return result
