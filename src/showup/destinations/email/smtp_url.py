"""Parses SMTP_URL: the server, the credentials, and whether the connection is encrypted."""

from typing import Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from msgspec import Struct

_PORTS = {"smtp": 587, "smtps": 465}
_STARTTLS = {"required": True, "never": False}
_SHAPE = (
    "SMTP_URL is not an SMTP address: use one such as smtp://user:password@mail.example.com:587. In the user and the "
    "password, write %40 for @ and %2F for /"
)


class SmtpServer(Struct, frozen=True, kw_only=True):
    """An SMTP server.

    `tls` from the first byte, or later by STARTTLS: True if required, False if never, None if offered.
    """

    host: str
    port: int
    user: str | None
    password: str | None
    tls: bool
    starttls: bool | None

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Parses `smtp://user:password@host:587?starttls=required` (or `never`), or `smtps://…`. Raises ValueError.

        A password is sent unencrypted only with `starttls=never`.
        """
        parts, port = _parts(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path.strip("/") or parts.fragment:
            raise ValueError(_SHAPE)
        tls = parts.scheme == "smtps"
        user = unquote(parts.username) if parts.username else None
        return cls(
            host=parts.hostname,
            port=port or _PORTS[parts.scheme],
            user=user,
            password=unquote(parts.password or "") if user else None,
            tls=tls,
            starttls=False if tls else _starttls(parts.query, default=True if user else None),
        )

    def __repr__(self) -> str:
        return f"{self.host}:{self.port}"


def _parts(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:
        # The original error would quote the text that failed: part of the password, where it contains a slash.
        raise ValueError(_SHAPE) from None


def _starttls(query: str, *, default: bool | None) -> bool | None:
    params = parse_qs(query, keep_blank_values=True)
    match params:
        case {"starttls": [word]} if len(params) == 1 and word in _STARTTLS:
            return _STARTTLS[word]
        case {} if not params:
            return default
        case _:
            raise ValueError("SMTP_URL has an unknown option: use only ?starttls=required or ?starttls=never")
