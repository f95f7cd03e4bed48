"""Explains the state of a delivery in a sentence for a person. Pure."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

SayTime: TypeAlias = Callable[[datetime], str]
"""Writes a moment for the reader of the sentence."""

_DELIVERED_BY: Final = {
    "resend": "Resend accepted it",
    "smtp": "the mail server accepted it",
    "webhook": "the endpoint accepted it",
    "clickup": "ClickUp accepted it",
    "emailbison": "EmailBison accepted it",
    "notion": "Notion accepted it",
    "prefect": "Prefect has its flow runs",
    "slack": "Slack accepted it",
    "twilio": "Twilio accepted it",
}


def utc_time(at: datetime) -> str:
    """Writes a moment in UTC, for programs and logs."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def explain(delivery: Mapping[str, Any], now: datetime, say_time: SayTime = utc_time) -> str:
    """Explains a row that has the queue's `paused_until` and `paused_because` beside its own columns."""
    match delivery["state"]:
        case "scheduled":
            return _explain_waiting(delivery, now, say_time)
        case "sending" if delivery["wake_at"] > now:
            return f"attempt {delivery['attempts']} is in progress"
        case "sending":
            return f"attempt {delivery['attempts']} did not finish in time and counts as lost; Showup will try again"
        case "delivered":
            return _DELIVERED_BY.get(delivery["provider"], "the destination accepted it") + _feedback_note(delivery)
        case "previewed":
            return "stored in the mail preview, not sent"
        case _:
            return delivery["because"] or "no reason recorded"


def _feedback_note(delivery: Mapping[str, Any]) -> str:
    """Returns the provider's feedback on an accepted mail, if it says more than that the mail arrived."""
    if delivery["feedback"] in (None, "delivered"):
        return ""
    reason = f" ({delivery['feedback_because']})" if delivery["feedback_because"] else ""
    return f"; later: {delivery['feedback']}{reason}"


def next_try_at(delivery: Mapping[str, Any], now: datetime) -> datetime | None:
    """Returns the earliest time of the next attempt of a scheduled delivery; None for any other."""
    if delivery["state"] != "scheduled":
        return None
    wake_at: datetime = delivery["wake_at"]
    paused_until = _paused_until(delivery, now)
    return wake_at if paused_until is None else paused_until


def _explain_waiting(delivery: Mapping[str, Any], now: datetime, say_time: SayTime) -> str:
    if _awaits_answer(delivery, now):
        until = say_time(delivery["wake_at"])
        return f"waiting until {until} for a person to choose the record: {delivery['because']}"
    failure_prefix = f"attempt {delivery['attempts']} failed: {delivery['because']}; " if delivery["because"] else ""
    if (paused_until := _paused_until(delivery, now)) is not None:
        reason = f": {delivery['paused_because']}" if delivery["paused_because"] else ""
        return f"{failure_prefix}{delivery['destination']} is paused until {say_time(paused_until)}{reason}"
    if delivery["wake_at"] <= now:
        return f"{failure_prefix}due now, waiting to be sent"
    if delivery["attempts"]:
        return f"{failure_prefix}next attempt at {say_time(delivery['wake_at'])}"
    return f"due at {say_time(delivery['wake_at'])}"


def _awaits_answer(delivery: Mapping[str, Any], now: datetime) -> bool:
    question = delivery.get("question")
    return question is not None and question.get("answered_by") is None and delivery["wake_at"] > now


def _paused_until(delivery: Mapping[str, Any], now: datetime) -> datetime | None:
    """Returns until when the pause of its queue delays it; None if it does not."""
    paused_until: datetime | None = delivery["paused_until"]
    return paused_until if paused_until is not None and paused_until > max(now, delivery["wake_at"]) else None
