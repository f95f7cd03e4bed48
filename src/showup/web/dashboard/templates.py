"""Render templates of pages. Jinja escapes all values, and a missing one is an error."""

import gzip
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from showup.web.dashboard import decisions, message_words, words
from showup.web.dashboard.assets import accepts_gzip, asset_hash
from showup.web.dashboard.navigation import NAV_GROUPS
from showup.web.http.sessions import masked_token

# No inline script or style, and nothing from another server. A frame shows a mail, which has a policy of its own.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

_COMPRESSED_FROM: Final = 1_000
# 4: a tenth larger than with 9, in a third of the time.
_COMPRESSION: Final = 4
_BASE: Final = re.compile(r"\./|(\.\./){1,9}")
_environment: Final = Environment(
    loader=FileSystemLoader(str(files("showup.web").joinpath("templates"))),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_environment.globals |= {"asset_hash": asset_hash, "nav_groups": NAV_GROUPS}
_environment.filters |= {
    "money": words.money,
    "short_money": words.short_money,
    "unit": words.unit,
    "initials": words.initials,
    "hue": words.hue,
    "count": words.count,
    "capped": words.capped,
    "masked": masked_token,
    "clipped": words.clipped,
    "percent": words.percent,
    "plus_minus": words.plus_minus,
    "sentence": words.sentence,
    "sums": words.sums,
    "question": words.question,
    "destination_name": decisions.destination_name,
    "destination_icon": lambda destination: message_words.message_icon("confirmation", destination),
}


def render_page(request: Request, template: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Render a page or a part of one, compressed if it is large. `base`, the path to the home page, is added."""
    text = _environment.get_template(template).render(context, base=base_of(request))
    # Without a referrer, browsers that send no Sec-Fetch-Site would send forms with the origin `null`.
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin", "Vary": "Accept-Encoding"}
    content = text.encode()
    if len(content) >= _COMPRESSED_FROM and accepts_gzip(request):
        content = gzip.compress(content, _COMPRESSION)
        headers["Content-Encoding"] = "gzip"
    return HTMLResponse(content, status, headers=headers)


def render_text(template: str, context: Mapping[str, Any], *, base: str) -> str:
    """Return a part of a page as text, for a stream; `base` is the page's."""
    return _environment.get_template(template).render(context, base=base)


def base_of(request: Request) -> str:
    """Return the relative path to the home page: links work behind a proxy that adds a path, whatever it is.

    A part stands on the page that asked for it, which is another path, and says in a header where that is.
    """
    of_page = request.headers.get("X-Base", "")
    return of_page if _BASE.fullmatch(of_page) else base_of_path(request)


def base_of_path(request: Request) -> str:
    """Return the relative path to the home page from the address of the request itself, as a redirect needs it."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return "../" * (path.count("/") - 1) or "./"
