"""The calls of Notion's API that Showup uses; each waits for the rate limit. They raise NotionError and OverLimit."""

from datetime import datetime
from typing import Any, Final

import httpx2

from showup.clock import Clock
from showup.destinations.destination_kind import Meter
from showup.destinations.notion.errors import NotionError, error_from, unexpected_response
from showup.destinations.vendor_api import json_body, no_response

URL: Final = "https://api.notion.com/v1"
_VERSION: Final = b"2026-03-11"
_PAGE_SIZE: Final = 100


class NotionClient:
    """Calls for one delivery, the first of which is already counted, or for one health check.

    `url` has no slash at the end; ids are in Notion's form.
    """

    def __init__(self, client: httpx2.AsyncClient, *, url: str, token: str, clock: Clock, meter: Meter) -> None:
        self._client = client
        self._url = url
        self._token = token.strip()
        self._clock = clock
        self._meter = meter
        self._prepaid_calls = 1

    @property
    def cache_key(self) -> tuple[str, str]:
        """Returns a cache key for the account: never show it."""
        return self._url, self._token

    def now(self) -> datetime:
        """Returns the current time of the clock that all calls use."""
        return self._clock()

    async def get_database(self, database_id: str, what: str) -> dict[str, Any]:
        """Returns a database, with the ids and names of its data sources."""
        return await self._call("GET", f"/databases/{database_id}", what, "database")

    async def get_data_source(self, data_source_id: str, what: str) -> dict[str, Any]:
        """Returns a data source, with the schema of its `properties`."""
        return await self._call("GET", f"/data_sources/{data_source_id}", what, "data_source")

    async def query_pages(self, data_source_id: str, condition: dict[str, Any], what: str) -> list[dict[str, Any]]:
        """Returns the first hundred pages that match the filter; none from the trash."""
        body = {"filter": condition, "page_size": _PAGE_SIZE}
        found = await self._call("POST", f"/data_sources/{data_source_id}/query", what, "list", body)
        return [one for one in found.get("results") or () if isinstance(one, dict) and isinstance(one.get("id"), str)]

    async def get_page(self, page_id: str) -> dict[str, Any] | None:
        """Returns a page; None where it is deleted or in the trash."""
        try:
            found = await self._call("GET", f"/pages/{page_id}", "the page", "page")
        except NotionError as fault:
            if fault.status in (400, 404):
                return None
            raise
        return None if found.get("in_trash") or found.get("archived") else found

    async def update_page(self, page_id: str, properties: dict[str, Any], what: str) -> None:
        """Writes these properties; the others stay unchanged."""
        await self._call("PATCH", f"/pages/{page_id}", what, "page", {"properties": properties})

    async def _call(
        self, method: str, path: str, what: str, expected: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        if self._prepaid_calls:
            self._prepaid_calls -= 1
        else:
            await self._meter.take()
        # As bytes: Notion must reject a token with a non-ASCII character; it must not cause an error here.
        headers = {b"Authorization": f"Bearer {self._token}".encode(), b"Notion-Version": _VERSION}
        try:
            response = await self._client.request(method, f"{self._url}{path}", json=body, headers=headers)
        except httpx2.RequestError as error:
            raise NotionError(no_response("Notion", error)) from None
        if response.status_code != 200:
            raise error_from(response, what, self._token, self._clock())
        payload = json_body(response)
        if payload.get("object") != expected:
            raise NotionError(unexpected_response(f"HTTP 200 without a {expected}"))
        return payload
