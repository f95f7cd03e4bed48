"""The frame of the few pages that Showup draws itself: one style, no script, nothing from elsewhere."""

import base64
import hashlib
from importlib.resources import files
from string import Template

from fastapi.responses import HTMLResponse

_STYLE = files("showup.web").joinpath("page.css").read_text()
_FRAME = Template(files("showup.web").joinpath("page.html").read_text())
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; img-src data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


def page(
    title: str,
    content: str,
    *,
    status: int = 200,
    has_form: bool = False,
    has_frame: bool = False,
    up: str = "./",
) -> HTMLResponse:
    """A page around `content`; both it and `title` are HTML: whoever makes them has escaped what comes from outside.

    Only with `has_form` may the page send anything, and only with `has_frame` hold another one: both are then of where
    it comes from itself. `up` leads from its folder to the front page.
    """
    text = _FRAME.substitute(title=title, style=_STYLE, content=content, up=up)
    policy = POLICY.replace("form-action 'none'", "form-action 'self'") if has_form else POLICY
    if has_frame:
        policy += "; frame-src 'self'"
    return HTMLResponse(text, status, headers={"Content-Security-Policy": policy})
