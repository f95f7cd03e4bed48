"""Forms of pages: read with a limit, as text by field name."""

from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.requests import ClientDisconnect

from showup.web.http.problems import Refusal

MAX_FORM_BYTES: Final = 64 * 1024
_MAX_FIELDS: Final = 100
_MEDIA_TYPE: Final = "application/x-www-form-urlencoded"


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of the request's form, without the spaces around them; of fields with one name, the last.

    Refuses a body that is too large, or no form.
    """
    if request.headers.get("Content-Type", _MEDIA_TYPE).partition(";")[0].strip().lower() != _MEDIA_TYPE:
        raise Refusal("wrong-content-type", f"Send the form as {_MEDIA_TYPE}.")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_FORM_BYTES:
                raise Refusal("body-too-large", f"A form may have {MAX_FORM_BYTES // 1024} KB.")
    except ClientDisconnect:
        raise Refusal("too-slow") from None
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise Refusal("invalid", "The form is not UTF-8 text, or it has too many fields.") from None
    # PostgreSQL stores no NUL in text, and nobody types one.
    return {name: value.replace("\0", "").strip() for name, value in pairs}
