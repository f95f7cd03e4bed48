"""Which kinds of news an endpoint can be registered for, and how groups of them are written."""

from collections.abc import Iterable
from typing import Final, get_args

from showup.effects import Announcement, DealAnnouncement

PING: Final = "ping"
"""What an endpoint is sent to try it out, whatever it is registered for."""

_GROUPS: Final = ("*", "booking.*", "deal.*")
KINDS: Final = (*get_args(Announcement), *get_args(DealAnnouncement))


def expanded(wanted: Iterable[str]) -> tuple[str, ...]:
    """The kinds that are meant, each once; `booking.*` means all that begin so. Raises ValueError for what is none."""
    found: set[str] = set()
    for one in wanted:
        meant = _meant(one)
        if not meant:
            raise ValueError(f"{one!r} is no kind of news: it is one of {', '.join(KINDS)}, or a group such as deal.*")
        found.update(meant)
    return tuple(kind for kind in KINDS if kind in found)


def _meant(wanted: str) -> list[str]:
    if wanted in _GROUPS:
        return [kind for kind in KINDS if kind.startswith(wanted.removesuffix("*"))]
    return [kind for kind in KINDS if kind == wanted]
