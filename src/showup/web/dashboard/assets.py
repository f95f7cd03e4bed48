"""The files that pages load: our style, script and icons, and htmx. Their names carry a hash, so browsers keep them."""

import gzip
import hashlib
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI, Request, Response

_FOLDER: Final = files("showup.web").joinpath("static")
ASSETS: Final = {
    "app.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "lists.js": "text/javascript; charset=utf-8",
    "icons.svg": "image/svg+xml",
    "mark.svg": "image/svg+xml",
    "htmx/htmx.min.js": "text/javascript; charset=utf-8",
    "htmx/sse.min.js": "text/javascript; charset=utf-8",
}
_CURRENT: Final = "public, max-age=31536000, immutable"
_NOT_SENT: Final = re.compile(rb"/\*.*?\*/|(?<=\n)\s+", re.DOTALL)
# Under its bare name a file may change with the next version.
_ANY: Final = "public, max-age=300"


def add_assets(app: FastAPI) -> None:
    """Add the files to `app`; they need no session."""
    for name in ASSETS:
        app.add_route(f"/static/{name}", _handler(name), include_in_schema=False)


@cache
def asset_hash(name: str) -> str:
    """Return the hash that a link to the file carries."""
    return hashlib.sha256(_read(name)).hexdigest()[:12]


def _handler(name: str) -> Callable[[Request], Any]:
    async def respond(request: Request) -> Response:
        headers = {"Vary": "Accept-Encoding"}
        headers["Cache-Control"] = _CURRENT if request.query_params.get("v") == asset_hash(name) else _ANY
        body = _read(name)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            body = _compress(name)
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers, media_type=ASSETS[name])

    return respond


@cache
def _read(name: str) -> bytes:
    content = _FOLDER.joinpath(name).read_bytes()
    # Comments and indentation are for people who read the file; a page's budget is bytes.
    return _NOT_SENT.sub(b"", content) if name.endswith(".css") else content


@cache
def _compress(name: str) -> bytes:
    # Without the time, so that every process sends the same bytes.
    return gzip.compress(_read(name), 9, mtime=0)
