"""What one webhook of Resend means for the mail that it is about."""

from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.deliveries.feedback import Cause, Feedback, Word

DELIVERY_TAG: Final = "delivery"
"""The tag by which a mail carries its delivery's id."""

_LONGEST: Final = 500
_MEANINGLESS: Final = {
    "email.sent": "it says that Resend took the mail, which its answer said already",
    "email.scheduled": "it says that Resend took the mail for later, which its answer said already",
    "email.opened": "who opens a mail is not followed",
    "email.clicked": "who follows a link is not followed",
    "email.received": "mail that comes in is not read",
}
_BOUNCES: Final = {
    "Permanent": "it bounced, and always will",
    "Transient": "it bounced, and may pass another time",
    "Undetermined": "it bounced, and the other server's answer doesn't say for how long",
}


class Unheeded(Struct, frozen=True, kw_only=True):
    """A body that was understood and says nothing of a mail's way."""

    because: str
    trigger: str


class Garbled(Struct, frozen=True, kw_only=True):
    """A body that can't be understood."""

    because: str
    trigger: str | None = None


class _Body(Struct, frozen=True):
    type: str
    created_at: str | None = None
    data: dict[str, Any] = {}


Meaning: TypeAlias = Feedback | Unheeded | Garbled


def translate(body: bytes, received_at: datetime) -> Meaning:
    """The meaning of one body; one that does not say when it happened happened when it was received."""
    try:
        said = msgspec.json.decode(body, type=_Body)
    except RecursionError:
        return Garbled(because="the body is nested too deeply to be read")
    except ValueError as fault:
        return Garbled(because=f"this is no webhook of Resend: {_short(str(fault))}")
    trigger = _short(said.type)
    if trigger in _MEANINGLESS:
        return Unheeded(because=_MEANINGLESS[trigger], trigger=trigger)
    meaning = _word(trigger, said.data)
    if meaning is None:
        return Unheeded(because=f"Showup does not know what {trigger} means", trigger=trigger)
    mail_id = _text(said.data.get("email_id"))
    if not mail_id:
        return Garbled(because="it does not say which mail it is about: there is no email_id", trigger=trigger)
    word, because, stops = meaning
    return Feedback(
        trigger=trigger,
        word=word,
        because=because,
        at=_moment(said.created_at) or received_at,
        mail_id=mail_id,
        delivery_id=_delivery_id(said.data.get("tags")),
        stops=stops,
    )


def _word(trigger: str, data: dict[str, Any]) -> tuple[Word, str, Cause | None] | None:
    match trigger:
        case "email.delivered":
            return "delivered", "the other mail server took it", None
        case "email.delivery_delayed":
            return "delayed", "the other mail server does not take it yet, and Resend goes on trying", None
        case "email.bounced":
            bounce = _fields(data, "bounce")
            kind = _text(bounce.get("type"))
            stops: Cause | None = "bounced" if kind == "Permanent" else None
            because = _BOUNCES.get(kind, _BOUNCES["Undetermined"])
            return "bounced", _with(because, bounce, "subType", "message"), stops
        case "email.complained":
            return "complained", "they told their mail provider that it is spam", "complained"
        case "email.failed":
            return "failed", _with("Resend could not send it", _fields(data, "failed"), "reason"), None
        case "email.suppressed":
            return _suppressed(_fields(data, "suppressed"))
        case _:
            return None


def _suppressed(why: dict[str, Any]) -> tuple[Word, str, Cause]:
    """Resend itself does not write to the address, so there is no use in handing it more."""
    reason = " ".join(_text(why.get(name)) for name in ("reason", "type", "message"))
    stops: Cause = "complained" if "complain" in reason else "bounced"
    return "suppressed", _with("Resend does not write to this address any more", why, "reason", "message"), stops


def _with(because: str, details: dict[str, Any], *names: str) -> str:
    more = ", ".join(text for name in names if (text := _text(details.get(name))))
    return f"{because}: {more}" if more else because


def _fields(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _delivery_id(tags: Any) -> UUID | None:
    """From tags as Resend writes them: an object, or a list of names and values."""
    if isinstance(tags, list):
        tags = {str(tag.get("name")): tag.get("value") for tag in tags if isinstance(tag, dict)}
    if not isinstance(tags, dict):
        return None
    try:
        return UUID(_text(tags.get(DELIVERY_TAG)))
    except ValueError:
        return None


def _moment(written: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written or "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    return _short(value) if isinstance(value, str) else ""


def _short(text: str) -> str:
    # PostgreSQL knows no NUL in a text.
    return text.replace("\0", "").strip()[:_LONGEST]
