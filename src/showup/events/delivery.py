"""Events about deliveries: a provider's feedback on a mail, and a person's answer to a delivery's question."""

from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from showup.events.manual import ManualEvent
from showup.events.stream import Stream

FeedbackStatus: TypeAlias = Literal["delayed", "delivered", "failed", "suppressed", "bounced", "complained"]
SuppressionCause: TypeAlias = Literal["bounced", "complained"]


class MailFeedback(Struct, frozen=True, kw_only=True):
    """A provider reported what became of a mail.

    `mail_id` is the provider's; `delivery_id` is Showup's, if the mail carries it. `suppression_cause` says why its
    address is suppressed, None if it is not.
    """

    status: FeedbackStatus
    because: str
    mail_id: str
    delivery_id: UUID | None = None
    suppression_cause: SuppressionCause | None = None

    def stream(self, event_id: UUID) -> Stream:  # noqa: ARG002  # it belongs to the delivery
        """Return the delivery's stream."""
        return Stream("delivery", str(self.delivery_id))


class RecordChosen(ManualEvent, frozen=True, kw_only=True):
    """A person chose the record that a delivery is about: its id at the destination, or None for no candidate."""

    delivery_id: UUID
    record: str | None

    def stream(self, event_id: UUID) -> Stream:  # noqa: ARG002  # it belongs to the delivery
        """Return the delivery's stream."""
        return Stream("delivery", str(self.delivery_id))
