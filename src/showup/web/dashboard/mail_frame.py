"""The HTML of a mail, alone, for the frame of a page."""

import re
from typing import Final

from fastapi.responses import HTMLResponse

# A mail contains its own style and nothing else: no script runs in it, and it loads no resources.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
_HEAD_TAG: Final = re.compile("<head[^<>]*>", re.IGNORECASE)


def mail_response(html: str) -> HTMLResponse:
    """Return a mail's HTML under its own policy. Its links open a new window, because it is shown in a frame."""
    text = _HEAD_TAG.sub(lambda head: f'{head[0]}<base target="_blank">', html, count=1)
    return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY})
