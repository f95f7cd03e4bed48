"""Translates one webhook of Resend into its meaning for the mail."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.events.delivery import FeedbackStatus, MailFeedback, SuppressionCause
from showup.events.translation import Ignored, Translated, Translation, Unreadable

DELIVERY_TAG: Final = "delivery"
"""The tag of a mail that holds its delivery's id."""

_MAX_TEXT_LENGTH: Final = 500
_IGNORED: Final = {
    "email.sent": "Resend accepted the mail, which its response already reported",
    "email.scheduled": "Resend scheduled the mail, which its response already reported",
    "email.opened": "Showup does not track opened mails",
    "email.clicked": "Showup does not track clicked links",
    "email.received": "Showup does not read incoming mail",
}
_BOUNCES: Final = {
    "Permanent": "it bounced permanently",
    "Transient": "it bounced temporarily",
    "Undetermined": "it bounced; the other mail server does not say whether permanently",
}


class _ResendBody(Struct, frozen=True):
    type: str
    created_at: str | None = None
    data: dict[str, Any] = {}


def translate(body: bytes) -> Translation:
    """Translates one body of a webhook."""
    try:
        event = msgspec.json.decode(body, type=_ResendBody)
    except RecursionError:
        return Unreadable(because="the body is nested too deeply")
    except ValueError as fault:
        return Unreadable(because=f"the body is not a webhook from Resend: {_short(str(fault))}")
    trigger = _short(event.type)
    if trigger in _IGNORED:
        return Ignored(because=_IGNORED[trigger], trigger=trigger)
    classified = _classify(trigger, event.data)
    if classified is None:
        return Ignored(because=f"{trigger} is not an event type that Showup knows", trigger=trigger)
    mail_id = _text(event.data.get("email_id"))
    if not mail_id:
        return Unreadable(because="it identifies no mail: it has no email_id", trigger=trigger)
    outcome, because, stops = classified
    feedback = MailFeedback(
        status=outcome,
        because=because,
        mail_id=mail_id,
        delivery_id=_delivery_id(event.data.get("tags")),
        suppression_cause=stops,
    )
    return Translated(event=feedback, trigger=trigger, actor="resend", uid=mail_id, source_at=_moment(event.created_at))


def _classify(trigger: str, data: dict[str, Any]) -> tuple[FeedbackStatus, str, SuppressionCause | None] | None:
    match trigger:
        case "email.delivered":
            return "delivered", "the other mail server accepted it", None
        case "email.delivery_delayed":
            return "delayed", "the other mail server has not accepted it yet; Resend keeps trying", None
        case "email.bounced":
            bounce = _fields(data, "bounce")
            kind = _text(bounce.get("type"))
            stops: SuppressionCause | None = "bounced" if kind == "Permanent" else None
            because = _BOUNCES.get(kind, _BOUNCES["Undetermined"])
            return "bounced", _with_details(because, bounce, "subType", "message"), stops
        case "email.complained":
            return "complained", "the recipient reported it as spam", "complained"
        case "email.failed":
            return "failed", _with_details("Resend could not send it", _fields(data, "failed"), "reason"), None
        case "email.suppressed":
            return _suppressed(_fields(data, "suppressed"))
        case _:
            return None


def _suppressed(details: dict[str, Any]) -> tuple[FeedbackStatus, str, SuppressionCause]:
    """Resend itself does not send to the address, so sending more mail to it is useless."""
    reason = " ".join(_text(details.get(name)) for name in ("reason", "type", "message"))
    stops: SuppressionCause = "complained" if "complain" in reason else "bounced"
    return (
        "suppressed",
        _with_details("Resend no longer sends mail to this address", details, "reason", "message"),
        stops,
    )


def _with_details(because: str, details: dict[str, Any], *names: str) -> str:
    more = ", ".join(text for name in names if (text := _text(details.get(name))))
    return f"{because}: {more}" if more else because


def _fields(data: dict[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _delivery_id(tags: Any) -> UUID | None:
    """Reads tags as Resend writes them: an object, or a list of names and values."""
    if isinstance(tags, list):
        tags = {str(tag.get("name")): tag.get("value") for tag in tags if isinstance(tag, dict)}
    if not isinstance(tags, dict):
        return None
    try:
        return UUID(_text(tags.get(DELIVERY_TAG)))
    except ValueError:
        return None


def _moment(value: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value or "")
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    return _short(value) if isinstance(value, str) else ""


def _short(text: str) -> str:
    # PostgreSQL accepts no NUL in text.
    return text.replace("\0", "").strip()[:_MAX_TEXT_LENGTH]
