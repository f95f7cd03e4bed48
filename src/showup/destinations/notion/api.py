"""The calls of Notion's API that we make; each waits for its turn. They raise `Refused` and `OverLimit`."""

from datetime import datetime
from typing import Any, Final

import httpx2

from showup.clock import Clock
from showup.destinations.kind import Meter
from showup.destinations.notion.answers import Refused, refusal, somebody_else
from showup.destinations.wire import parsed, unanswered

URL: Final = "https://api.notion.com/v1"
_VERSION: Final = b"2026-03-11"
_MOST: Final = 100


class NotionApi:
    """Calls for one delivery, the first of which is paid for already, or for one examination.

    `url` without a slash at the end; ids as Notion writes them.
    """

    def __init__(self, client: httpx2.AsyncClient, *, url: str, token: str, clock: Clock, meter: Meter) -> None:
        self._client = client
        self._url = url
        self._token = token.strip()
        self._clock = clock
        self._meter = meter
        self._paid = 1

    @property
    def account(self) -> tuple[str, str]:
        """Whose answers these are: not to be shown to anybody."""
        return self._url, self._token

    def now(self) -> datetime:
        """The moment by the clock that all calls go by."""
        return self._clock()

    async def database(self, database_id: str, what: str) -> dict[str, Any]:
        """A database, with the ids and names of its `data_sources`."""
        return await self._call("GET", f"/databases/{database_id}", what, "database")

    async def data_source(self, data_source_id: str, what: str) -> dict[str, Any]:
        """A data source, with the schema of its `properties`."""
        return await self._call("GET", f"/data_sources/{data_source_id}", what, "data_source")

    async def query(self, data_source_id: str, condition: dict[str, Any], what: str) -> list[dict[str, Any]]:
        """The first hundred pages that meet the condition; none from the trash."""
        asked = {"filter": condition, "page_size": _MOST}
        found = await self._call("POST", f"/data_sources/{data_source_id}/query", what, "list", asked)
        return [one for one in found.get("results") or () if isinstance(one, dict) and isinstance(one.get("id"), str)]

    async def page(self, page_id: str) -> dict[str, Any] | None:
        """A page; None where it is gone or in the trash."""
        try:
            found = await self._call("GET", f"/pages/{page_id}", "the page", "page")
        except Refused as fault:
            if fault.status in (400, 404):
                return None
            raise
        return None if found.get("in_trash") or found.get("archived") else found

    async def update(self, page_id: str, properties: dict[str, Any], what: str) -> None:
        """Writes these properties; the others stay."""
        await self._call("PATCH", f"/pages/{page_id}", what, "page", {"properties": properties})

    async def _call(
        self, method: str, path: str, what: str, expected: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        if self._paid:
            self._paid -= 1
        else:
            await self._meter.take()
        # As bytes: a token with a letter beyond ASCII is for Notion to refuse, not for us to stumble over.
        headers = {b"Authorization": f"Bearer {self._token}".encode(), b"Notion-Version": _VERSION}
        try:
            answer = await self._client.request(method, f"{self._url}{path}", json=body, headers=headers)
        except httpx2.RequestError as error:
            raise Refused(unanswered("Notion", error)) from None
        if answer.status_code != 200:
            raise refusal(answer, what, self._token, self._clock())
        said = parsed(answer)
        if said.get("object") != expected:
            raise Refused(somebody_else(f"HTTP 200 without a {expected}"))
        return said
