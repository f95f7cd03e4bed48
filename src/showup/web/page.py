"""The layout of Showup's HTML pages: one style, no script, no external resources."""

import base64
import hashlib
from importlib.resources import files
from string import Template

from fastapi.responses import HTMLResponse

_STYLE = files("showup.web").joinpath("page.css").read_text()
_LAYOUT = Template(files("showup.web").joinpath("page.html").read_text())
_HEADER = Template(
    '<header><a class="brand" href="$up">Showup</a><nav aria-label="Main"><a href="${up}docs">API</a></nav></header>'
)
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; img-src data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


def render_page(
    title: str,
    content: str,
    *,
    status: int = 200,
    has_form: bool = False,
    has_frame: bool = False,
    has_header: bool = True,
    root_path: str = "./",
) -> HTMLResponse:
    """Render a page around `content`.

    `title` and `content` are HTML: the caller has escaped all outside data. Only with `has_form` may the page submit a
    form, and only with `has_frame` may it contain a frame, both limited to its own origin. Pages for
    attendees have no header, which is for the team. `root_path` is the relative path from the page's folder to the home
    page.
    """
    header = _HEADER.substitute(up=root_path) if has_header else ""
    text = _LAYOUT.substitute(title=title, style=_STYLE, content=content, header=header)
    policy = POLICY.replace("form-action 'none'", "form-action 'self'") if has_form else POLICY
    if has_frame:
        policy += "; frame-src 'self'"
    return HTMLResponse(text, status, headers={"Content-Security-Policy": policy})
