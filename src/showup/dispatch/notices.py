"""Which system notifications an attempt or an outage calls for: questions, answers, failures, sent reminders. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from showup.destinations.contract import Delivered, NeedsAnswer
from showup.dispatch.attempt_results import AttemptResult, FinishedAttempt
from showup.dispatch.claims import Claimed
from showup.dispatch.destination_records import ANSWER_KIND, QUESTION_KIND
from showup.dispatch.queue_state import QueueState
from showup.outbox.delivery import DestinationQueue
from showup.outbox.system_notifications import SystemNotification

REMINDED: Final = "reminder.sent"
FAILED: Final = "delivery.failed"
DOWN: Final = "destination.down"
PAUSED: Final = "endpoint.paused"


def of_outcome(
    queue: DestinationQueue, claimed: Claimed, result: AttemptResult, finished: FinishedAttempt, now: datetime
) -> list[SystemNotification]:
    """Returns the notifications that follow from one attempt. Pure."""
    if isinstance(result, NeedsAnswer):
        return [_question(queue, claimed, result)]
    if finished.state == "failed":
        return [_failure(queue, claimed, finished, now)]
    if not isinstance(result, Delivered):
        return []
    notifications = []
    if claimed.kind == "reminder" and queue.destination != "mail_preview":
        notifications.append(_reminded(queue, claimed, now))
    if claimed.question is not None:
        notifications.append(_answered(queue, claimed, claimed.question, result.record))
    return notifications


def of_queue(queue: DestinationQueue, after: QueueState, *, down: bool) -> list[SystemNotification]:
    """Returns the notifications for a queue whose destination is now down. Pure."""
    if not down or after.failing_since is None or queue.destination == "mail_preview":
        return []
    since = f"{after.failing_since:%Y-%m-%dT%H:%M:%SZ}"
    details = {"destination": queue.destination, "since": since, "because": after.because}
    return [
        SystemNotification(
            kind=DOWN,
            key=f"{DOWN}:{queue.destination}:{since}",
            details=details,
            excluded_destination=queue.destination,
        )
    ]


def of_pause(queue: DestinationQueue, because: str, now: datetime) -> SystemNotification:
    """Returns the notification that an endpoint is paused until someone resumes it."""
    return SystemNotification(
        kind=PAUSED,
        key=f"{PAUSED}:{queue.destination}:{now:%Y-%m-%dT%H:%M:%SZ}",
        details={"destination": queue.destination, "because": because},
        excluded_destination=queue.destination,
    )


def _question(queue: DestinationQueue, claimed: Claimed, result: NeedsAnswer) -> SystemNotification:
    return SystemNotification(
        kind=QUESTION_KIND,
        key=f"{QUESTION_KIND}:{claimed.id}",
        booking_id=claimed.booking_id,
        recipient=claimed.recipient,
        expires_at=result.question.until,
        excluded_destination=queue.destination,
        details={
            "delivery_id": str(claimed.id),
            "destination": queue.destination,
            "because": result.because,
            "until": f"{result.question.until:%Y-%m-%dT%H:%M:%SZ}",
            "candidates": [
                {"record": one.record, "name": one.name, "url": one.url, "because": one.because}
                for one in result.question.candidates
            ],
        },
    )


def _answered(
    queue: DestinationQueue, claimed: Claimed, question: dict[str, Any], record: str | None
) -> SystemNotification:
    by = question.get("answered_by")
    name = name_of(question, question.get("chosen"))
    return question_answered(
        queue.destination, claimed.id, claimed.booking_id, claimed.recipient, record, by=by, name=name
    )


def name_of(question: Mapping[str, Any], record: str | None) -> str | None:
    """Returns the name of the candidate with this record."""
    return next((one["name"] for one in question["candidates"] if one["record"] == record), None)


def question_answered(
    destination: str,
    delivery_id: UUID,
    booking_id: UUID | None,
    recipient: str | None,
    record: str | None,
    *,
    by: str | None,
    name: str | None,
) -> SystemNotification:
    """Returns the notification that a question was answered.

    `by` of None: it had no answer in time. `name` is the candidate's, None for none of them.
    """
    return SystemNotification(
        kind=ANSWER_KIND,
        key=f"{ANSWER_KIND}:{delivery_id}",
        booking_id=booking_id,
        recipient=recipient,
        excluded_destination=destination,
        details={
            "delivery_id": str(delivery_id),
            "destination": destination,
            "record": record,
            "name": name,
            "answered_by": by,
        },
    )


def _failure(queue: DestinationQueue, claimed: Claimed, finished: FinishedAttempt, now: datetime) -> SystemNotification:
    # One per hour and destination: five hundred similar failures are one notification.
    return SystemNotification(
        kind=FAILED,
        key=f"{FAILED}:{queue.destination}:{now:%Y-%m-%dT%H}",
        excluded_destination=queue.destination,
        details={
            "delivery_id": str(claimed.id),
            "destination": queue.destination,
            "kind": claimed.kind,
            "because": finished.because,
        },
    )


def _reminded(queue: DestinationQueue, claimed: Claimed, now: datetime) -> SystemNotification:
    return SystemNotification(
        kind=REMINDED,
        key=f"{REMINDED}:{claimed.id}",
        booking_id=claimed.booking_id,
        recipient=claimed.recipient,
        excluded_destination=queue.destination,
        details={
            "before_seconds": claimed.details.get("before_seconds"),
            "sent_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "by": queue.destination,
        },
    )
