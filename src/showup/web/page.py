"""The layout of Showup's HTML pages: one style, no script, no external resources."""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from msgspec import Struct

from showup.destinations.email.brand import Palette

_STYLE = files("showup.web").joinpath("page.css").read_text()
_LAYOUT = Template(files("showup.web").joinpath("page.html").read_text())
_HEADER = Template(
    '<header><a class="brand" href="$up">Showup</a>'
    '<nav aria-label="Main"><a href="$up">Dashboard</a><a href="${up}docs">API</a></nav></header>'
)


def _digest(style: str) -> str:
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


POLICY = (
    f"default-src 'none'; style-src 'sha256-{_digest(_STYLE)}'; img-src data:; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'"
)


def brand_style(palette: Palette) -> str:
    """Return the CSS that gives a page the colours of a sender's brand."""
    colours = {
        "act": (palette.fill, palette.dark_fill),
        "on-act": (palette.on, palette.dark_on),
        "accent": (palette.link, palette.dark_link),
    }
    return f":root{{{''.join(f'--{name}:light-dark({light},{dark});' for name, (light, dark) in colours.items())}}}"


def _origin(url: str) -> str:
    parts = urlsplit(url)
    # Nothing that a policy would read as more than an origin.
    host = (parts.hostname or "").encode("idna").decode()
    # A logo of this Showup has its own address, which need not be https on this machine.
    scheme = "http" if parts.scheme == "http" else "https"
    return f"{scheme}://{host}:{parts.port}" if parts.port else f"{scheme}://{host}"


class AttendeeLook(Struct, frozen=True, kw_only=True):
    """How a page for attendees looks: its language, CSS of our own for it, and the images of the sender's brand.

    `images` are addresses; the page may load images from their hosts.
    """

    language: str
    style: str = ""
    images: Sequence[str] = ()


def render_page(
    title: str,
    content: str,
    *,
    status: int = 200,
    has_form: bool = False,
    look: AttendeeLook | None = None,
    root_path: str = "./",
) -> HTMLResponse:
    """Render a page around `content`.

    `title` and `content` are HTML: the caller has escaped all outside data. Only with `has_form` may the page submit a
    form, to its own origin. A page with a `look` is for attendees and has no header, which is for the team. `root_path`
    is the relative path from the page's folder to the home page.
    """
    header = _HEADER.substitute(up=root_path) if look is None else ""
    look = look or AttendeeLook(language="en")
    text = _LAYOUT.substitute(
        title=title,
        style=_STYLE,
        own_style=f"<style>{look.style}</style>" if look.style else "",
        content=content,
        header=header,
        language=look.language,
    )
    policy = POLICY.replace("form-action 'none'", "form-action 'self'") if has_form else POLICY
    if look.style:
        policy = policy.replace("style-src", f"style-src 'sha256-{_digest(look.style)}'")
    if origins := sorted({_origin(url) for url in look.images}):
        policy = policy.replace("img-src", f"img-src {' '.join(origins)}")
    return HTMLResponse(text, status, headers={"Content-Security-Policy": policy})
