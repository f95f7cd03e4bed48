"""The settings of mail: SMTP_URL, the sender table, and the template folder. Nothing here is slow to import."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from msgspec import Struct

from showup.destinations.contract import CannotRender, Meeting
from showup.destinations.links import host_of
from showup.values.domain_name import normalize_domain
from showup.values.email_address import email_domain

_PORTS = {"smtp": 587, "smtps": 465}
_STARTTLS = {"required": True, "never": False}
_SHAPE = (
    "this is not an SMTP address: use one such as smtp://user:password@mail.example.com:587. In the user and the "
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
            raise ValueError("the SMTP address has an unknown option: use only ?starttls=required or ?starttls=never")


class SenderRule(Struct, frozen=True, kw_only=True):
    """One row of the sender table: `host` and `domain` in lower case; a row with neither matches all meetings.

    `address` sends the mails; `reply_to` takes replies that no host can take. The rest is the brand: `postal_address`
    and `privacy_url` stand in the foot, `signature` follows the host's name, `language` is for attendees whose own
    language isn't offered.
    """

    address: str
    host: str | None = None
    domain: str | None = None
    name: str | None = None
    logo: str | None = None
    logo_dark: str | None = None
    color: str | None = None
    postal_address: str | None = None
    privacy_url: str | None = None
    reply_to: str | None = None
    signature: str | None = None
    language: str | None = None

    def matches(self, host: str | None, domain: str | None) -> bool:
        """Returns whether the row matches a meeting of this booking page, or of an organizer with this domain."""
        if self.host is None and self.domain is None:
            return True
        return (self.host is not None and self.host == host) or (self.domain is not None and self.domain == domain)


def sender_for(meeting: Meeting, senders: Sequence[SenderRule]) -> SenderRule | None:
    """Returns the first row that matches; None when none does."""
    return sender_of(meeting.booker_url, meeting.organizer_email, senders)


def sender_of(booker_url: str | None, organizer_email: str | None, senders: Sequence[SenderRule]) -> SenderRule | None:
    """Returns the first row that matches a booking page or an organizer; None when none does."""
    host = normalize_domain(host_of(booker_url) or "") or None
    domain = email_domain(organizer_email or "") or None
    return next((sender for sender in senders if sender.matches(host, domain)), None)


def check_folder(folder: Path | None) -> None:
    """Returns the folder. Raises CannotRender when the named folder does not exist."""
    if folder is not None and not folder.is_dir():
        raise CannotRender(
            f"The template folder {folder} does not exist: correct `templates` under [email] in showup.toml, "
            "and restart Showup."
        )
