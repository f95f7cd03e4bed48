"""The messages of a booking, folded: what, to whom, in which state, when; and those not planned, with the reason."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from showup.reads.agenda import State
from showup.reads.booking_page import BookingMessage
from showup.web.dashboard.message_words import lead_words, message_name, names_of
from showup.web.dashboard.words import Viewer, clipped, count, sentence

_WORDS: Final = {
    "delivered": "Delivered",
    "previewed": "In the preview",
    "failed": "Failed",
    "sending": "Being sent",
    "scheduled": "Planned",
    "withdrawn": "Withdrawn",
    "skipped": "Not sent",
}
_TONES: Final[dict[str, Literal["good", "bad", "info", "line", "quiet"]]] = {
    "delivered": "good",
    "previewed": "info",
    "failed": "bad",
    "sending": "info",
    "scheduled": "info",
    "withdrawn": "quiet",
    "skipped": "line",
}
_REASONS: Final = {"meeting_too_soon": "The meeting was too near"}


class MessageRun(Struct, frozen=True, kw_only=True):
    """Messages of one kind to one destination in one state. `at` is of the last one; None for what is not planned.

    `can_retry`: it failed, and a person may have it tried again.
    """

    name: str
    detail: str
    to: str
    state: str
    tone: Literal["good", "bad", "info", "line", "quiet"]
    because: str
    at: datetime | None
    when: str
    destination: str
    kind: str
    can_retry: bool


def message_runs(
    messages: Sequence[BookingMessage], viewer: Viewer, *, is_follow_up_on: bool, state: State
) -> list[MessageRun]:
    """Return the runs in order of their time."""
    groups: dict[tuple[str, str, str, bool], list[BookingMessage]] = {}
    totals: Counter[tuple[str, str, bool]] = Counter()
    for one in messages:
        groups.setdefault((one.kind, one.destination, one.state, one.is_current), []).append(one)
        if one.state not in ("withdrawn", "skipped"):
            totals[one.kind, one.destination, one.is_current] += 1
    runs = [
        _run(run, viewer, totals[kind, destination, is_current])
        for (kind, destination, _, is_current), run in groups.items()
    ]
    runs.sort(key=lambda one: one.at or viewer.now)
    is_open = state not in ("noshow", "cancelled", "pending")
    if is_follow_up_on and is_open and not any(one.kind == "no_show" for one in messages):
        runs.append(_unplanned("no_show", "Only after a no-show"))
    return runs


def counts_of(messages: Sequence[BookingMessage]) -> str:
    """Return how many were delivered, failed and are planned: `11 delivered, 1 failed`."""
    numbers = Counter(one.state for one in messages)
    parts = [
        f"{numbers[state]:,} {words}"
        for state, words in (
            ("delivered", "delivered"),
            ("previewed", "in the preview"),
            ("failed", "failed"),
            ("scheduled", "planned"),
        )
        if numbers[state]
    ]
    return ", ".join(parts)


def _run(run: Sequence[BookingMessage], viewer: Viewer, total: int) -> MessageRun:
    last = max(run, key=lambda one: one.at)
    name, detail = message_name(last.kind, last.destination)
    befores = sorted({one.before_seconds for one in run if one.before_seconds}, reverse=True)
    if befores:
        is_mail = not detail
        before = f"{', '.join(lead_words(one) for one in befores[:4])} before"
        name = "Reminders" if is_mail and len(run) > 1 else name
        detail = before if is_mail else f"{detail}, {before}"
    recipients = list(dict.fromkeys(clipped((one.recipient_name or one.recipient or "").split(" ")[0]) for one in run))
    words = _WORDS[last.state]
    if last.state in ("delivered", "previewed", "failed") and total > 1:
        words += f", {len(run)} of {total}"
    elif len(run) > 1:
        words += f", {len(run)}"
    if last.state == "failed" and last.attempts > 1:
        words += f", {count(last.attempts, 'attempt')}"
    if last.state == "delivered" and (bounced := sum(one.feedback == "bounced" for one in run)):
        words = "Bounced" if bounced == len(run) else f"{words}, {bounced} bounced"
    reason = last.because or ""
    reason = _REASONS.get(reason, sentence(reason.replace("_", " ") if " " not in reason else reason))
    return MessageRun(
        name=name,
        detail=detail,
        to=names_of([one for one in recipients if one]) or "–",
        state=words,
        tone="bad" if words.startswith("Bounced") else _TONES[last.state],
        because=reason if last.state in ("failed", "withdrawn", "skipped") else "",
        at=last.at,
        when=f"{viewer.day(last.at)} {viewer.hour(last.at)}",
        destination=last.destination,
        kind=last.kind,
        can_retry=last.state == "failed",
    )


def _unplanned(kind: str, words: str) -> MessageRun:
    name, _ = message_name(kind, "email")
    return MessageRun(
        name=name,
        detail="",
        to="–",
        state=words,
        tone="line",
        because="",
        at=None,
        when="–",
        destination="email",
        kind=kind,
        can_retry=False,
    )
