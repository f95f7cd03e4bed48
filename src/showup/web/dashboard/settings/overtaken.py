"""What somebody else saved while a teammate edited the same: it is shown, and nothing is lost."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct


class OvertakenField(Struct, frozen=True, kw_only=True):
    """A field whose stored value is another than the teammate saw."""

    name: str
    before: str | None
    after: str | None


class Overtaken(Struct, frozen=True, kw_only=True):
    """Who saved meanwhile, when, and what."""

    actor: str
    at: datetime
    fields: Sequence[OvertakenField]


def overtaken_by(
    actor: str, at: datetime, changes: Mapping[str, Sequence[Any]], labels: Mapping[str, str]
) -> Overtaken:
    """Return what the changes `[before, after]` by field say; `labels` are the fields' names for people."""
    fields = [
        OvertakenField(name=labels.get(name, name), before=_text(before), after=_text(after))
        for name, (before, after) in changes.items()
    ]
    return Overtaken(actor=actor, at=at, fields=fields)


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
