"""How pages say the state of a delivery, what it is, and what to do about it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from showup.reads.delivery_subjects import DeliverySubject
from showup.web.dashboard.message_words import lead_words, message_name
from showup.web.dashboard.words import count

Tone: TypeAlias = Literal["good", "bad", "warn", "info", "line", "quiet"]

# The only reason that is a code.
_REASONS: Final = {"meeting_too_soon": "the meeting was too near for any reminder when it was booked"}
_FEEDBACK: Final = {
    "bounced": "Bounced",
    "complained": "Marked as spam",
    "delayed": "Delivered late",
    "failed": "Failed later",
}
OUTCOMES: Final[dict[str | None, tuple[str, str]]] = {
    "delivered": ("good", "Accepted"),
    "previewed": ("good", "Stored in the mail preview"),
    "try_again": ("warn", "Failed, to be tried again"),
    "asked": ("warn", "A person was asked"),
    "gave_up": ("bad", "Failed"),
    "stopped": ("", "Stopped: no longer needed"),
    "lost": ("warn", "No result: the process stopped"),
    None: ("", "In progress"),
}
"""The mark and the words of an attempt's outcome."""


_WAITING: Final = "Showup tries it by itself. Once the cause is corrected, try it now: that counts as its next attempt."
_RETRIES: Final = "Showup retries by itself. If the last attempt fails too, you can retry it here."


class StateWords(Struct, frozen=True, kw_only=True):
    """A state as its badge says it."""

    words: str
    tone: Tone
    icon: str | None = None


_OTHERS: Final = {
    "previewed": StateWords(words="In the preview, not sent", tone="info", icon="mail"),
    "sending": StateWords(words="Being sent", tone="info", icon="send"),
    "withdrawn": StateWords(words="Withdrawn", tone="quiet"),
    "skipped": StateWords(words="Not sent", tone="line"),
}


def name_of(delivery: Mapping[str, Any], subject: DeliverySubject) -> tuple[str, str]:
    """Return what it is, and a detail: `Reminder, 2 h before`, or the system that is told and what it is told."""
    name, detail = message_name(delivery["kind"], delivery["destination"])
    if subject.before_seconds:
        before = f"{lead_words(subject.before_seconds)} before"
        return (f"{name}, {before}", "") if not detail else (name, f"{detail}, {before}")
    return name, detail


def state_of(delivery: Mapping[str, Any], now: datetime) -> StateWords:
    """Return the words of the delivery's state at `now`."""
    state, attempts = delivery["state"], delivery["attempts"]
    if state == "delivered":
        if delivery["feedback"] in _FEEDBACK:
            return StateWords(words=_FEEDBACK[delivery["feedback"]], tone="bad", icon="x")
        words = "Delivered" if attempts < 2 else f"Delivered, {_ordinal(attempts)} attempt"
        return StateWords(words=words, tone="good", icon="check")
    if state == "failed":
        words = f"Failed, {count(attempts, 'attempt')}" if attempts > 1 else "Failed"
        return StateWords(words=words, tone="bad", icon="x")
    if state == "scheduled":
        return _scheduled(delivery, now)
    return _OTHERS[state]


def _scheduled(delivery: Mapping[str, Any], now: datetime) -> StateWords:
    question = delivery["question"]
    if question is not None and question.get("answered_by") is None:
        return StateWords(words="Waits for your answer", tone="warn", icon="clock")
    if delivery["due_at"] <= now:
        return StateWords(words="Waiting", tone="warn", icon="clock")
    return StateWords(words="Scheduled", tone="info", icon="clock")


def reason_of(delivery: Mapping[str, Any]) -> str:
    """Return why it is in its state, as a thought that goes on."""
    because = str(delivery["because"] or "")
    return _REASONS.get(because, because).rstrip(".")


def advice_of(delivery: Mapping[str, Any], refused: str | None) -> str:
    """Return what a person can do; `refused`: why a retry would be refused."""
    match delivery["state"]:
        case "failed" | "skipped" | "previewed" if refused is None:
            if delivery["state"] == "previewed":
                return "Nobody received it. Connect Resend or SMTP, then retry it: it is written again and sent."
            return "Correct the cause, then retry. However often you press, it is sent once."
        case "failed" | "skipped" | "withdrawn" if refused is not None:
            return f"It can't be sent any more: {refused.rstrip('.')}."
        case "withdrawn":
            return "A person withdrew it. Retry it to send it after all."
        case "scheduled" if delivery["attempts"] or refused is None:
            return _WAITING if refused is None else _RETRIES
        case "scheduled" | "sending":
            return "Nothing to do: Showup sends it by itself."
        case "delivered" if delivery["feedback"] in _FEEDBACK:
            return "Check the address with the person. Mails to an address that bounces are not sent again."
        case _:
            return "Nothing to do."


def _ordinal(number: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if 10 <= number % 100 <= 20 else ends.get(number % 10, 'th')}"
