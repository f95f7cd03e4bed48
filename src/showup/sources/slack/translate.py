"""What somebody pressed, as the answer to the question of a delivery. Pure."""

import re
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from msgspec import Struct

_ACTION: Final = "choose_record"
_MOST_FIELDS: Final = 10
_LONGEST_NAME: Final = 80
_MEMBER: Final = re.compile(r"[UW][A-Z0-9]{1,30}")
_STAMP: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,10})?")


class Press(Struct, frozen=True, kw_only=True):
    """One button pressed by somebody, `actor`. `id` is the same when Slack tells of the same press again."""

    id: str
    actor: str
    delivery_id: UUID
    record: str | None


class Garbled(Struct, frozen=True, kw_only=True):
    """A body that is no interaction of Slack."""

    because: str


Meaning: TypeAlias = tuple[Press, ...] | Garbled


def translate(body: bytes) -> Meaning:
    """The presses of our buttons in one interaction; none for one of another sort."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=_MOST_FIELDS)
        said = msgspec.json.decode(fields["payload"][0])
    except KeyError:
        return Garbled(because="there is no field `payload`")
    except (ValueError, RecursionError):
        return Garbled(because="the field `payload` can't be read")
    if not isinstance(said, dict):
        return Garbled(because="the field `payload` has no object")
    if said.get("type") != "block_actions":
        return ()
    member, name = _member(said.get("user"))
    if member is None:
        return Garbled(because="it does not say who pressed")
    found = (_press(one, member, name) for one in _objects(said.get("actions")))
    return tuple(one for one in found if one is not None)


def _press(action: dict[str, Any], member: str, name: str) -> Press | None:
    action_id, stamp = _text(action.get("action_id")), _text(action.get("action_ts"))
    if not action_id.startswith(f"{_ACTION}:") or not _STAMP.fullmatch(stamp):
        return None
    written, _, record = _text(action.get("value")).partition(" ")
    try:
        delivery_id = UUID(written)
    except ValueError:
        return None
    return Press(
        id=f"slack:{stamp}:{member}:{action_id[:100]}",
        actor=f"slack:{member} ({name})" if name else f"slack:{member}",
        delivery_id=delivery_id,
        record=record or None,
    )


def _member(user: Any) -> tuple[str | None, str]:
    """Their id at Slack, and their name there."""
    if not isinstance(user, dict):
        return None, ""
    member = _text(user.get("id"))
    name = _text(user.get("username")) or _text(user.get("name"))
    return (member if _MEMBER.fullmatch(member) else None), " ".join(name.split())[:_LONGEST_NAME]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    # PostgreSQL knows no NUL in a text.
    return value.replace("\0", "") if isinstance(value, str) else ""
