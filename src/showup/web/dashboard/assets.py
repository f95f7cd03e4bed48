"""The files that pages load: our style, script and icons, and htmx. Their names carry a hash, so browsers keep them."""

import gzip
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from rjsmin import jsmin

_FOLDER: Final = files("showup.web").joinpath("static")
ASSETS: Final = {
    "app.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "icons.svg": "image/svg+xml",
    "mark.svg": "image/svg+xml",
    "htmx/htmx.min.js": "text/javascript; charset=utf-8",
    "htmx/sse.min.js": "text/javascript; charset=utf-8",
}
_CURRENT: Final = "public, max-age=31536000, immutable"
_STYLE_COMMENTS: Final = re.compile(rb"/\*.*?\*/|(?<=\n)\s+", re.DOTALL)
# Comments and indentation are for people who read the file; a page's budget is bytes. htmx comes without them.
# rcssmin 1.3 joins `.pick :checked` within a layer, so styles lose comments and indentation only.
_MINIFIERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "app.css": lambda style: _STYLE_COMMENTS.sub(b"", style),
    "app.js": jsmin,
}
# Under its bare name a file may change with the next version.
_ANY: Final = "public, max-age=300"


def add_assets(app: FastAPI) -> None:
    """Add the files to `app`; they need no session."""
    for name in ASSETS:
        app.add_route(f"/static/{name}", _handler(name), include_in_schema=False)


@cache
def asset_hash(name: str) -> str:
    """Return the hash that a link to the file carries."""
    return hashlib.sha256(read_asset(name)).hexdigest()[:12]


def accepts_gzip(request: Request) -> bool:
    """Return whether the browser takes a compressed answer."""
    return "gzip" in request.headers.get("Accept-Encoding", "")


def _handler(name: str) -> Callable[[Request], Any]:
    async def respond(request: Request) -> Response:
        headers = {"Vary": "Accept-Encoding"}
        headers["Cache-Control"] = _CURRENT if request.query_params.get("v") == asset_hash(name) else _ANY
        body = read_asset(name)
        if accepts_gzip(request):
            body = _compress(name)
            headers["Content-Encoding"] = "gzip"
        return Response(body, headers=headers, media_type=ASSETS[name])

    return respond


@cache
def read_asset(name: str) -> bytes:
    """Return the file as it is served."""
    content = _FOLDER.joinpath(name).read_bytes()
    minify = _MINIFIERS.get(name)
    return content if minify is None else minify(content)


@cache
def _compress(name: str) -> bytes:
    # Without the time, so that every process sends the same bytes.
    return gzip.compress(read_asset(name), 9, mtime=0)
