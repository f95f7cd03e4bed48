"""A delivery as its page shows it: its content, its attempts, and what a person can do. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.connections.endpoint import is_endpoint
from showup.destinations.email.destination import Mail
from showup.outbox.delivery import MAIL_DESTINATIONS
from showup.reads.delivery_subjects import DeliverySubject
from showup.web.dashboard.message_words import message_icon
from showup.web.dashboard.operations.delivery_rows import ListedDelivery, listed_delivery
from showup.web.dashboard.operations.delivery_words import OUTCOMES, advice_of, reason_of
from showup.web.dashboard.operations.masked import ShownText, show_json
from showup.web.dashboard.operations.system_names import system_name
from showup.web.dashboard.words import Viewer, clipped, sentence


class AttemptRow(Struct, frozen=True, kw_only=True):
    """An attempt. `mark` is the colour of its dot, empty for none; `length` is how long it took."""

    number: int
    mark: str
    words: str
    because: str
    at: datetime
    length: str


class DeliveryView(Struct, frozen=True, kw_only=True):
    """`row` is what the list shows. Of the content, `mail` or `request` is set, neither before it is written.

    `can_retry`, `can_skip` and `can_send_again`: what a member may do. `candidates` are the records that a person is
    asked to choose from.
    """

    row: ListedDelivery
    icon: str
    system: str
    because: str
    advice: str
    attempts: Sequence[AttemptRow]
    mail: Mail | None
    request: ShownText | None
    rendered_at: datetime | None
    can_retry: bool
    can_skip: bool
    can_send_again: bool
    candidates: Sequence[tuple[str, str]]
    event_id: UUID | None
    links: Sequence[str]


def build_delivery(
    delivery: Mapping[str, Any],
    subject: DeliverySubject,
    stored: Mapping[str, Any] | None,
    refused: str | None,
    viewer: Viewer,
) -> DeliveryView:
    """Return the view. `stored` is the content as it is sent; `refused`: why a retry would be refused."""
    state, question = delivery["state"], delivery["question"]
    is_asked = question is not None and question.get("answered_by") is None and state == "scheduled"
    mail = _mail(delivery, stored)
    content = None if stored is None or mail is not None else show_json(stored["content"])
    found = delivery["found"] or {}
    return DeliveryView(
        row=listed_delivery(delivery, subject, viewer),
        icon=message_icon(delivery["kind"], delivery["destination"]),
        system=system_name(delivery["provider"] or delivery["destination"]),
        because=sentence(reason_of(delivery)),
        advice=advice_of(delivery, refused),
        attempts=[_attempt(one) for one in reversed(delivery["attempt_history"])],
        mail=mail,
        request=content,
        rendered_at=None if stored is None else stored["rendered_at"],
        can_retry=refused is None,
        can_skip=state == "scheduled",
        can_send_again=is_endpoint(delivery["destination"]) and state == "delivered",
        candidates=[
            (one["record"], clipped(str(one.get("name") or one["record"]))) for one in question.get("candidates", [])
        ]
        if is_asked
        else [],
        event_id=delivery["event_id"],
        links=[one for one in found.values() if isinstance(one, str) and one.startswith("https://")],
    )


def _mail(delivery: Mapping[str, Any], stored: Mapping[str, Any] | None) -> Mail | None:
    if stored is None or delivery["destination"] not in MAIL_DESTINATIONS:
        return None
    try:
        return msgspec.convert(stored["content"], Mail)
    except msgspec.ValidationError:
        # Content of another version of Showup is shown as it is stored.
        return None


def _attempt(attempt: Mapping[str, Any]) -> AttemptRow:
    mark, words = OUTCOMES[attempt["outcome"]]
    ended_at: datetime | None = attempt["ended_at"]
    length = "" if ended_at is None else f"{(ended_at - attempt['started_at']).total_seconds():.1f} s"
    return AttemptRow(
        number=attempt["number"],
        mark=mark,
        words=words,
        because=sentence(attempt["because"] or ""),
        at=attempt["started_at"],
        length=length,
    )
