"""U04: each kind of mail can be switched off, so that attendees who get mail from Cal.com don't get it twice."""

from datetime import timedelta
from uuid import UUID

import pytest
from msgspec import ValidationError, convert

from showup.outbox.planned import PlannedDelivery
from showup.outbox.routing import route
from showup.outbox.subscriptions import Subscription
from showup.pipeline.rules import Rules
from tests.pipeline.sample_events import MONDAY

BOOKING = UUID(int=7)


def planned(kind: str, *, is_mailed: bool) -> PlannedDelivery:
    return PlannedDelivery(
        kind=kind,
        key="key",
        recipient="ann@acme.example",
        event_id=UUID(int=1),
        booking_version=1,
        decided_at=MONDAY,
        due_at=MONDAY,
        expires_at=MONDAY + timedelta(days=1),
        is_mailed=is_mailed,
    )


@pytest.mark.parametrize(
    ("off", "kind", "before", "is_mailed"),
    [
        ((), "confirmation", None, True),
        (("confirmation",), "confirmation", None, False),
        (("confirmation",), "cancelled", None, True),
        (("reminder",), "reminder", timedelta(hours=2), False),
        (("reminder_72h",), "reminder", timedelta(hours=72), False),
        (("reminder_3d",), "reminder", timedelta(hours=72), False),
        (("reminder_72h",), "reminder", timedelta(hours=24), True),
        (("reminder_72h",), "no_show", None, True),
        (("rescheduled", "new_place"), "new_place", None, False),
    ],
)
def test_u04_a_kind_is_off_by_its_name_and_a_reminder_by_its_offset(
    off: tuple[str, ...], kind: str, before: timedelta | None, is_mailed: bool
) -> None:
    assert convert({"mails_off": off}, Rules).is_mailed(kind, before) == is_mailed


@pytest.mark.parametrize("name", ["calendar_cleanup", "no_show", "reminder_", "reminder_soon", "everything", ""])
def test_u04_what_must_be_sent_and_unknown_names_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        convert({"mails_off": [name]}, Rules)


def test_u04_a_mail_that_is_off_is_recorded_as_skipped_and_text_messages_still_go() -> None:
    subscribed = [Subscription(destination="twilio", kinds=frozenset({"reminder"}), since=MONDAY)]
    mail, text = route(BOOKING, planned("reminder", is_mailed=False), subscribed, simulated=False)
    assert (mail.destination, mail.state, mail.because) == ("email", "skipped", "mails of this kind are switched off")
    assert (text.destination, text.state) == ("twilio", "scheduled")
