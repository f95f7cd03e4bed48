"""Which version of a family of calls an instance speaks: today's, or, where it is old, the one before."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from showup.sources.calcom.api_faults import CalcomRefuses, CalcomStrange

_T = TypeVar("_T")
# An old instance does not say that it doesn't know a version: it answers as the oldest that it has would.
_NOT_TODAYS = (400, 404)


class Dialect:
    """Found out by the first call that succeeds, and kept: `today` or `before`, versions as Cal.com dates them."""

    def __init__(self, today: str, before: str) -> None:
        self.today = today
        self.before = before
        self._known: str | None = None

    async def speak(self, ask: Callable[[str], Awaitable[_T]]) -> _T:
        """What `ask` answers with the version that the instance speaks; raises what it raises with the last tried."""
        if self._known is not None:
            return await ask(self._known)
        try:
            found = await ask(self.today)
        except CalcomStrange:
            return await self._speak_before(ask)
        except CalcomRefuses as refusal:
            if refusal.status not in _NOT_TODAYS:
                raise
            return await self._speak_before(ask)
        self._known = self.today
        return found

    async def _speak_before(self, ask: Callable[[str], Awaitable[_T]]) -> _T:
        found = await ask(self.before)
        self._known = self.before
        return found
