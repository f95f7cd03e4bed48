"""Checks requests against a vendor's own OpenAPI document."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest

DOCUMENTS = Path(__file__).parents[1] / "openapi"


@cache
def _read(name: str) -> tuple[dict[str, Any], OpenAPI]:
    """Reads a document, once for all fake vendors of a run: reading takes longer than most tests."""
    document: dict[str, Any] = json.loads((DOCUMENTS / f"{name}.json").read_text())
    return document, OpenAPI.from_dict(document)


class VendorDocument:
    """One vendor's document. `complaint` returns the fault of a request, or None."""

    def __init__(self, name: str) -> None:
        self._document, self._checked = _read(name)
        self._server: str = self._document["servers"][0]["url"]

    def complaint(
        self, method: str, path: str, headers: dict[str, str], body: bytes, *, query: dict[str, str] | None = None
    ) -> str | None:
        content_type = headers.get("Content-Type", "").partition(";")[0]
        asked = MockRequest(
            self._server, method, path, args=query, headers=headers, data=body, content_type=content_type
        )
        try:
            self._checked.validate_request(asked)
        except OpenAPIError as error:
            return str(error.__cause__ or error)
        return None

    def unknown_fields(self, schema: str, values: dict[str, Any]) -> set[str]:
        """Returns fields that the document does not have: the vendor ignores them silently."""
        return values.keys() - self._document["components"]["schemas"][schema]["properties"].keys()
