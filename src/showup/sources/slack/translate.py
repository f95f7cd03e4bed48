"""Translates a button press into the answer to a delivery's question. Pure."""

import re
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.events.delivery import RecordChosen

_ACTION: Final = "choose_record"
_MAX_FIELDS: Final = 10
_MAX_NAME_LENGTH: Final = 80
_MEMBER: Final = re.compile(r"[UW][A-Z0-9]{1,30}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,10})?")


class ButtonPress(Struct, frozen=True, kw_only=True):
    """One button press by `actor`. `id` is the same when Slack sends the same press again."""

    id: str
    actor: str
    event: RecordChosen


class UnreadableInteraction(Struct, frozen=True, kw_only=True):
    """A body that is no Slack interaction."""

    because: str


InteractionTranslation: TypeAlias = tuple[ButtonPress, ...] | UnreadableInteraction


def translate(body: bytes) -> InteractionTranslation:
    """Returns the presses of Showup's buttons in one interaction; none for any other interaction."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=_MAX_FIELDS)
        payload = msgspec.json.decode(fields["payload"][0])
    except KeyError:
        return UnreadableInteraction(because="the field `payload` is missing")
    except (ValueError, RecursionError):
        return UnreadableInteraction(because="the field `payload` can't be read")
    if not isinstance(payload, dict):
        return UnreadableInteraction(because="the field `payload` is not a JSON object")
    if payload.get("type") != "block_actions":
        return ()
    member, name = _member(payload.get("user"))
    if member is None:
        return UnreadableInteraction(because="the interaction does not say who pressed the button")
    presses = (_button_press(one, member, name) for one in _objects(payload.get("actions")))
    return tuple(one for one in presses if one is not None)


def _button_press(action: dict[str, Any], member: str, name: str) -> ButtonPress | None:
    action_id, timestamp = _text(action.get("action_id")), _text(action.get("action_ts"))
    if not action_id.startswith(f"{_ACTION}:") or not _TIMESTAMP.fullmatch(timestamp):
        return None
    raw_delivery_id, _, record = _text(action.get("value")).partition(" ")
    try:
        delivery_id = UUID(raw_delivery_id)
    except ValueError:
        return None
    return ButtonPress(
        id=f"slack:{timestamp}:{member}:{action_id[:100]}",
        actor=f"slack:{member} ({name})" if name else f"slack:{member}",
        event=RecordChosen(delivery_id=delivery_id, record=record or None),
    )


def _member(user: Any) -> tuple[str | None, str]:
    """Returns the user's id at Slack, and their name there."""
    if not isinstance(user, dict):
        return None, ""
    member = _text(user.get("id"))
    name = _text(user.get("username")) or _text(user.get("name"))
    return (member if _MEMBER.fullmatch(member) else None), " ".join(name.split())[:_MAX_NAME_LENGTH]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    # PostgreSQL accepts no NUL in text.
    return value.replace("\0", "") if isinstance(value, str) else ""
