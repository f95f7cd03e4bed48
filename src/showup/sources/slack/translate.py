"""Translates button presses: answers to questions, decisions about changes, and links with teammates. Pure."""

import re
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import parse_qs
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.events.delivery import RecordChosen

_CHOOSE: Final = "choose_record"
_APPROVAL: Final = "approval"
_LINK: Final = "link_teammate"
_DECISIONS: Final[dict[str, Literal["grant", "deny"]]] = {"grant": "grant", "deny": "deny"}
_MAX_FIELDS: Final = 10
_MAX_NAME_LENGTH: Final = 80
_MAX_DIGEST_LENGTH: Final = 64
_MEMBER: Final = re.compile(r"[UW][A-Z0-9]{1,30}")
_TEAM: Final = re.compile(r"[TE][A-Z0-9]{1,30}")
_TIMESTAMP: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{1,10})?")


class SlackMember(Struct, frozen=True, kw_only=True):
    """Who pressed a button: Slack's ids of the workspace and the member, and the member's name there."""

    team: str
    id: str
    name: str

    @property
    def actor(self) -> str:
        """Return the member as the log names them."""
        return f"slack:{self.id} ({self.name})" if self.name else f"slack:{self.id}"


class ButtonPress(Struct, frozen=True, kw_only=True):
    """An answer to a question by `actor`. `id` is the same when Slack sends the same press again."""

    id: str
    actor: str
    event: RecordChosen


class ApprovalPress(Struct, frozen=True, kw_only=True):
    """A decision about a change that an assistant asked for. `digest` identifies the difference that was shown."""

    id: str
    member: SlackMember
    approval_id: UUID
    digest: str
    decision: Literal["grant", "deny"]


class LinkPress(Struct, frozen=True, kw_only=True):
    """A member says that they are the teammate of the token."""

    id: str
    member: SlackMember
    token: str


class UnreadableInteraction(Struct, frozen=True, kw_only=True):
    """A body that is no Slack interaction."""

    because: str


Press: TypeAlias = ButtonPress | ApprovalPress | LinkPress
InteractionTranslation: TypeAlias = tuple[Press, ...] | UnreadableInteraction


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
    member = _member(payload)
    if member is None:
        return UnreadableInteraction(because="the interaction does not say who pressed the button")
    presses = (_press(one, member) for one in _objects(payload.get("actions")))
    return tuple(one for one in presses if one is not None)


def _press(action: dict[str, Any], member: SlackMember) -> Press | None:
    action_id, timestamp = _text(action.get("action_id")), _text(action.get("action_ts"))
    if not _TIMESTAMP.fullmatch(timestamp):
        return None
    press_id, value = f"slack:{timestamp}:{member.id}:{action_id[:100]}", _text(action.get("value"))
    name, _, choice = action_id.partition(":")
    if name == _LINK:
        return LinkPress(id=press_id, member=member, token=value)
    first, _, rest = value.partition(" ")
    try:
        subject_id = UUID(first)
    except ValueError:
        return None
    if name == _CHOOSE and choice:
        event = RecordChosen(delivery_id=subject_id, record=rest or None)
        return ButtonPress(id=press_id, actor=member.actor, event=event)
    if name == _APPROVAL and (decision := _DECISIONS.get(choice)) is not None:
        digest = rest[:_MAX_DIGEST_LENGTH]
        return ApprovalPress(id=press_id, member=member, approval_id=subject_id, digest=digest, decision=decision)
    return None


def _member(payload: dict[str, Any]) -> SlackMember | None:
    user, team = payload.get("user"), payload.get("team")
    if not isinstance(user, dict):
        return None
    member = _text(user.get("id"))
    name = _text(user.get("username")) or _text(user.get("name"))
    team_id = _text(user.get("team_id")) or (_text(team.get("id")) if isinstance(team, dict) else "")
    if not _MEMBER.fullmatch(member):
        return None
    known_team = team_id if _TEAM.fullmatch(team_id) else ""
    return SlackMember(team=known_team, id=member, name=" ".join(name.split())[:_MAX_NAME_LENGTH])


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    # PostgreSQL accepts no NUL in text.
    return value.replace("\0", "") if isinstance(value, str) else ""
