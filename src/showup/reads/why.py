"""Why a delivery stands where it does, in a sentence for a person. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

_TAKEN_BY: Final = {
    "outbox": "it is kept in the outbox",
    "resend": "Resend took it",
    "smtp": "the mail server took it",
    "webhook": "the endpoint took it",
    "clickup": "ClickUp took it",
    "notion": "Notion took it",
    "slack": "Slack took it",
    "twilio": "Twilio took it",
}


def why(delivery: Mapping[str, Any], now: datetime) -> str:
    """Of a row with the lane's `paused_until` and `paused_because` beside its own columns."""
    match delivery["state"]:
        case "scheduled":
            return _why_waiting(delivery, now)
        case "sending" if delivery["wake_at"] > now:
            return f"attempt {delivery['attempts']} is being made at this moment"
        case "sending":
            return f"attempt {delivery['attempts']} did not end in time, so it counts as lost and is made again"
        case "delivered":
            return _TAKEN_BY.get(delivery["provider"], "it was taken") + _later(delivery)
        case _:
            return delivery["because"] or "nobody said why"


def _later(delivery: Mapping[str, Any]) -> str:
    """What the provider said of a mail after it had taken it, where that is more than that it arrived."""
    if delivery["feedback"] in (None, "delivered"):
        return ""
    because = f" ({delivery['feedback_because']})" if delivery["feedback_because"] else ""
    return f"; later: {delivery['feedback']}{because}"


def next_try_at(delivery: Mapping[str, Any], now: datetime) -> datetime | None:
    """When a scheduled one is tried, at the earliest; None for one that is not scheduled."""
    if delivery["state"] != "scheduled":
        return None
    wake_at: datetime = delivery["wake_at"]
    paused_until = _held_until(delivery, now)
    return wake_at if paused_until is None else paused_until


def _why_waiting(delivery: Mapping[str, Any], now: datetime) -> str:
    if _is_asked(delivery, now):
        return f"somebody has to say which record is meant, until {_moment(delivery['wake_at'])}: {delivery['because']}"
    failed = f"attempt {delivery['attempts']} failed: {delivery['because']}; " if delivery["because"] else ""
    if (until := _held_until(delivery, now)) is not None:
        because = f": {delivery['paused_because']}" if delivery["paused_because"] else ""
        return f"{failed}{delivery['destination']} is paused until {_moment(until)}{because}"
    if delivery["wake_at"] <= now:
        return f"{failed}it is due, and waits for its turn"
    if delivery["attempts"]:
        return f"{failed}it is tried again at {_moment(delivery['wake_at'])}"
    return f"it is due at {_moment(delivery['wake_at'])}"


def _is_asked(delivery: Mapping[str, Any], now: datetime) -> bool:
    question = delivery.get("question")
    return question is not None and question.get("answered_by") is None and delivery["wake_at"] > now


def _held_until(delivery: Mapping[str, Any], now: datetime) -> datetime | None:
    """Until when the pause of its lane holds it up; None when it does not."""
    until: datetime | None = delivery["paused_until"]
    return until if until is not None and until > max(now, delivery["wake_at"]) else None


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
