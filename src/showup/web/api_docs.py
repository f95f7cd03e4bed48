"""`/docs`: Swagger UI, served from our own files; its version and licence are beside them."""

from importlib.resources import files
from typing import Final

from fastapi import FastAPI, Response

from showup.web.http.cached_document import CachedDocument

_FOLDER: Final = files("showup.web").joinpath("swagger_ui")
_MEDIA_TYPES: Final = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "start.js": "text/javascript",
}
# No inline script or style, and nothing from another server. Swagger UI's own icons are data.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_docs(app: FastAPI) -> None:
    """Add `/docs` and its files to `app`; they need no key."""
    app.add_route("/docs", CachedDocument(_page).respond, include_in_schema=False)
    for name, media_type in _MEDIA_TYPES.items():
        app.add_route(f"/docs/{name}", CachedDocument(_File(name, media_type)).respond, include_in_schema=False)


def _page() -> Response:
    policy = {"Content-Security-Policy": POLICY}
    return Response(_FOLDER.joinpath("docs.html").read_bytes(), headers=policy, media_type="text/html")


class _File:
    """Builds the response of one file, at the first request."""

    def __init__(self, name: str, media_type: str) -> None:
        self._name = name
        self._media_type = media_type

    def __call__(self) -> Response:
        return Response(_FOLDER.joinpath(self._name).read_bytes(), media_type=self._media_type)
