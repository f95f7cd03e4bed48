"""Destinations and deliveries as the rows of `/deliveries` show them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from msgspec import Struct

from showup.reads.delivery_subjects import DeliverySubject
from showup.reads.destinations import MAX_FAILED, DestinationCondition, DestinationStatus
from showup.web.dashboard.operations.delivery_words import StateWords, name_of, reason_of, state_of
from showup.web.dashboard.operations.system_names import system_name
from showup.web.dashboard.words import Viewer, clipped, count, sentence

_BARS: Final = 18
_MARKS: Final[Mapping[DestinationCondition, Literal["good", "warn", "bad"]]] = {
    "paused": "bad",
    "failing": "bad",
    "paused_by_person": "warn",
    "failed": "warn",
    "working": "good",
}
_EXPLAINED: Final = ("failed", "skipped", "withdrawn", "scheduled")


class HourBar(Struct, frozen=True):
    """An hour in the picture of a day: its height in pixels, at least one."""

    x: int
    y: int
    height: int
    is_failed: bool


class DestinationRow(Struct, frozen=True, kw_only=True):
    """A destination. `says` is its state with the reason, `retry` what a retry of all that failed would do."""

    status: DestinationStatus
    name: str
    mark: Literal["good", "warn", "bad"]
    says: str
    because: str
    failed: str
    bars: Sequence[HourBar]
    day: str
    retry: str


class ListedDelivery(Struct, frozen=True, kw_only=True):
    """A delivery as its row shows it. `about_path` is relative to the home page."""

    id: UUID
    name: str
    detail: str
    to: str
    state: StateWords
    because: str
    about: str
    about_path: str | None
    at: datetime
    when: str
    is_relative: bool
    can_retry: bool
    simulated: bool


def destination_rows(destinations: Sequence[DestinationStatus], viewer: Viewer) -> list[DestinationRow]:
    """Return the rows, in the given order. The pictures have one scale: the busiest hour of all."""
    most = max(
        (sum(one) for row in destinations for one in zip(row.by_hour, row.failed_by_hour, strict=True)), default=0
    )
    return [_destination_row(one, viewer, max(most, 1)) for one in destinations]


def listed_delivery(delivery: Mapping[str, Any], subject: DeliverySubject, viewer: Viewer) -> ListedDelivery:
    """Return the row of a delivery."""
    name, detail = name_of(delivery, subject)
    at, when, is_relative = _when(delivery, viewer)
    explained = delivery["state"] in _EXPLAINED and (delivery["state"] != "scheduled" or delivery["attempts"])
    about, path = _about(delivery, subject, viewer)
    expires_at = delivery["expires_at"]
    return ListedDelivery(
        id=delivery["id"],
        name=name,
        detail=detail,
        to=clipped(subject.recipient_name or delivery["recipient"] or "–"),
        state=state_of(delivery, viewer.now),
        because=sentence(clipped(reason_of(delivery))) if explained or delivery["question"] else "",
        about=about,
        about_path=path,
        at=at,
        when=when,
        is_relative=is_relative,
        can_retry=delivery["state"] == "failed" and (expires_at is None or expires_at > viewer.now),
        simulated=delivery["simulated"],
    )


def _destination_row(status: DestinationStatus, viewer: Viewer, most: int) -> DestinationRow:
    failed = f"more than {MAX_FAILED:,}" if status.failed >= MAX_FAILED else f"{status.failed:,}"
    bars = [
        bar
        for hour, counted in enumerate(zip(status.by_hour, status.failed_by_hour, strict=True))
        for bar in _bars(hour, *counted, most)
    ]
    total = sum(status.by_hour)
    return DestinationRow(
        status=status,
        name=system_name(status.destination, status.address),
        mark=_MARKS[status.condition],
        says=_says(status, viewer),
        because=sentence(clipped(status.because or "")) if status.condition != "working" else "",
        failed=failed,
        bars=bars,
        day=f"{total:,} in 24 hours"
        + (f", {sum(status.failed_by_hour):,} failed" if any(status.failed_by_hour) else ""),
        retry=_retry(status, viewer),
    )


def _says(status: DestinationStatus, viewer: Viewer) -> str:
    since = f" since {viewer.moment(status.since)}" if status.since else ""
    match status.condition:
        case "paused":
            until = f". Next try {viewer.relative(status.paused_until)}" if status.paused_until else ""
            return f"Failing{since}{until}"
        case "failing":
            return f"Failing{since}. Showup retries by itself"
        case "paused_by_person":
            return "Paused by a person. What is for it waits"
        case "failed":
            return "Works, but some deliveries failed" if status.last_success_at else "None delivered yet, some failed"
        case _:
            return "Works" if status.last_success_at else "Nothing sent yet"


def _retry(status: DestinationStatus, viewer: Viewer) -> str:
    """Say what pressing the button does."""
    if not status.failed:
        return ""
    late = status.failed - status.retryable
    if not status.retryable:
        return f"None of them can be sent any more: {'its' if late == 1 else 'their'} time is over."
    parts = [f"{count(status.retryable, 'delivery', 'deliveries')} will be sent again now, each once."]
    if late:
        parts.append(f"{count(late, 'delivery stays', 'deliveries stay')} failed: too late to be of use.")
    if status.paused_until:
        parts.append(f"They wait until the next try {viewer.relative(status.paused_until)}.")
    return " ".join(parts)


def _bars(hour: int, made: int, failed: int, most: int) -> list[HourBar]:
    x = hour * 4
    height = max(1, round(made / most * _BARS))
    found = [HourBar(x, 19 - height, height, is_failed=False)]
    if failed:
        tall = max(2, round(failed / most * _BARS))
        found.append(HourBar(x, max(19 - height - tall, 0), tall, is_failed=True))
    return found


def _when(delivery: Mapping[str, Any], viewer: Viewer) -> tuple[datetime, str, bool]:
    """Return when it was or will be: a scheduled one is due, the others ended."""
    at: datetime = delivery["delivered_at"] or delivery["updated_at"]
    if delivery["state"] in ("scheduled", "sending"):
        at = delivery["next_try_at"] if delivery["attempts"] and delivery["next_try_at"] else delivery["due_at"]
        if at <= viewer.now:
            return at, f"since {viewer.moment(at)}", False
    return at, viewer.relative(at), True


def _about(delivery: Mapping[str, Any], subject: DeliverySubject, viewer: Viewer) -> tuple[str, str | None]:
    if delivery["booking_id"] is not None and subject.title:
        start = f", {viewer.day(subject.start_time)} {viewer.hour(subject.start_time)}" if subject.start_time else ""
        return f"{clipped(subject.title)}{start}", f"bookings/{delivery['booking_id']}"
    if delivery["deal_id"] is not None:
        return clipped(subject.company or "Deal"), f"deals/{delivery['deal_id']}"
    return "–", None
