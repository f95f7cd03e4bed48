"""Repairs the differences of one booking: each event is tried on its history before it enters the log.

An event that changes nothing there would change nothing in the log either, however often it is sent: that difference is
drift.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from showup.events.details import ReplacedBooking
from showup.events.envelope import BookingRecord
from showup.pipeline.replay import replay
from showup.pipeline.rules import RuleBook
from showup.reconcile.differences import LocalBooking, SyncDifference, SyncDifferenceKind, find_differences, is_about
from showup.sources.calcom.api_values import ApiBooking
from showup.sources.calcom.synthetic_webhook import SyntheticWebhook, build_webhook

ReadRecord: TypeAlias = Callable[[bytes], BookingRecord | None]
"""Reads a body as the inbox will; None where it would be no event."""

_NO_STREAM: Final = UUID(int=0)
# First at the time of the change as Cal.com gives it, then just after every event that it has to override.
_MAX_ATTEMPTS: Final = 2
_JUST_AFTER: Final = timedelta(milliseconds=1)
_MAX_REPAIRS: Final = 50


class KnownHistory(Struct, frozen=True, kw_only=True):
    """The events of a booking: its history, the history of the booking that it replaces, and its waiting events."""

    records: tuple[BookingRecord, ...] = ()
    previous_records: tuple[BookingRecord, ...] = ()
    waiting_records: tuple[BookingRecord, ...] = ()


class Repair(Struct, frozen=True, kw_only=True):
    """One body for the log, and the kind of difference that it repairs in which booking (its uid, or its number)."""

    uid: str
    kind: SyncDifferenceKind
    body: bytes


class Repaired(Struct, frozen=True, kw_only=True):
    """The events to add to the log, in this order, and the differences that no event repairs.

    `doubtful`: there is a difference for which a webhook may still be on its way.
    """

    repairs: list[Repair]
    drift: list[SyncDifference]
    doubtful: bool


def repair(
    known: KnownHistory,
    theirs: ApiBooking,
    *,
    ended_before: datetime,
    rules: RuleBook,
    read_record: ReadRecord,
    skipped_kinds: Collection[SyncDifferenceKind] = (),
) -> Repaired:
    """Returns all events that turn our booking into the API's; `skipped_kinds` of differences stay as they are."""
    state = _RepairState(
        known=known,
        theirs=theirs,
        ended_before=ended_before,
        rules=rules,
        read_record=read_record,
        records=known.records,
    )
    while len(state.repairs) < _MAX_REPAIRS and (difference := state.next_difference(skipped_kinds)) is not None:
        state.try_repair(difference)
    remaining = state.remaining_differences()
    return Repaired(
        repairs=state.repairs,
        drift=[difference for difference in remaining if difference.kind not in skipped_kinds],
        doubtful=any(difference.kind in skipped_kinds for difference in remaining),
    )


class _RepairState(Struct, kw_only=True):
    """The known events, including the repairs so far."""

    known: KnownHistory
    theirs: ApiBooking
    ended_before: datetime
    rules: RuleBook
    read_record: ReadRecord
    records: tuple[BookingRecord, ...]
    repairs: list[Repair] = []
    attempts: Counter[SyncDifferenceKind] = field(default_factory=Counter)

    def remaining_differences(self, records: Sequence[BookingRecord] | None = None) -> list[SyncDifference]:
        """Returns the remaining differences."""
        return find_differences(
            _local_booking(self.records if records is None else records, self.rules), self.theirs, self.ended_before
        )

    def next_difference(self, skipped_kinds: Collection[SyncDifferenceKind]) -> SyncDifference | None:
        """Returns the first difference whose repair has not failed."""
        untried = (
            one
            for one in self.remaining_differences()
            if self.attempts[one.kind] < _MAX_ATTEMPTS and one.kind not in skipped_kinds
        )
        return next(untried, None)

    def try_repair(self, difference: SyncDifference) -> None:
        """Tries the event, and keeps it if it removes the difference."""
        previous = _local_booking(self.known.previous_records, self.rules)
        is_retry = self.attempts[difference.kind] > 0
        body = build_webhook(
            self.theirs,
            _retimed(_with_previous_times(difference.webhook, previous), self.records, self.theirs, is_retry=is_retry),
        )
        self.attempts[difference.kind] += 1
        creates_booking = difference.webhook.replaces is not None or not self.records
        candidate = _with_record(
            self.records, self.read_record(body), self.known if creates_booking else KnownHistory()
        )
        if _is_repaired(difference, self.remaining_differences(candidate)):
            self.records = candidate
            self.repairs.append(Repair(uid=self.theirs.uid or str(self.theirs.id), kind=difference.kind, body=body))
            # A booking with seats may lack several of them, each a difference of the same kind.
            del self.attempts[difference.kind]


def _is_repaired(difference: SyncDifference, remaining: Sequence[SyncDifference]) -> bool:
    return not any(
        (left.kind, left.ours, left.theirs) == (difference.kind, difference.ours, difference.theirs)
        for left in remaining
    )


def _local_booking(records: Sequence[BookingRecord], rules: RuleBook) -> LocalBooking:
    if not records:
        return LocalBooking()
    return LocalBooking(
        booking=replay(_NO_STREAM, records, rules).booking,
        records=tuple(sorted(records, key=lambda one: one.order_key)),
    )


def _with_record(
    records: Sequence[BookingRecord], record: BookingRecord | None, known: KnownHistory
) -> tuple[BookingRecord, ...]:
    joined = {each.event_id: each for each in (*records, *known.previous_records, *known.waiting_records)}
    return (*joined.values(), *(() if record is None else (record,)))


def _with_previous_times(webhook: SyntheticWebhook, previous: LocalBooking) -> SyntheticWebhook:
    """Adds the replaced booking's times, where they are known."""
    if webhook.replaces is None or previous.booking is None:
        return webhook
    replaced = next((one for one in previous.booking.uids if one.uid == webhook.replaces.uid), None)
    if replaced is None:
        return webhook
    return replace(
        webhook, replaces=ReplacedBooking(uid=replaced.uid, start_time=replaced.start_time, end_time=replaced.end_time)
    )


def _retimed(
    webhook: SyntheticWebhook, records: Sequence[BookingRecord], theirs: ApiBooking, *, is_retry: bool
) -> SyntheticWebhook:
    latest_at = max((one.source_at for one in records if is_about(one, theirs)), default=None)
    if not is_retry or latest_at is None or webhook.at is None or latest_at < webhook.at:
        return webhook
    return replace(webhook, at=latest_at + _JUST_AFTER)
