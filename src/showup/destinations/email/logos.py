"""The logos of senders: https addresses, or PNG images that Showup serves by a hash of their content. Pure."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from showup.destinations.email.settings import SenderRule

_LOGOS: Final = ("logo", "logo_dark")


def sender_rules(rows: Iterable[Mapping[str, Any]], public_url: str) -> list[SenderRule]:
    """Returns the sender table; a logo that is an image has an address of this Showup."""
    return [SenderRule(**{**row, **{name: _address(row[name], public_url) for name in _LOGOS}}) for row in rows]


def logo_files(rows: Iterable[Mapping[str, Any]]) -> dict[str, bytes]:
    """Returns the logos that are images, by their names in addresses."""
    logos = (row[name] for row in rows for name in _LOGOS)
    return {_name(logo): logo for logo in logos if isinstance(logo, bytes)}


def _address(logo: str | bytes | None, public_url: str) -> str | None:
    return f"{public_url}/logos/{_name(logo)}" if isinstance(logo, bytes) else logo


def _name(image: bytes) -> str:
    return f"{sha256(image).hexdigest()[:32]}.png"
