"""Events about proposals, all caused by people. They belong to the history of the booking whose meeting they follow."""

from uuid import UUID

from showup.events.manual import ManualBookingEvent
from showup.proposals.proposal import Mark, ProposalContent


class ProposalSaved(ManualBookingEvent, frozen=True, kw_only=True):
    """A proposal was made or changed. `is_ready`: its PDF was made, so that it can be sent; else it is a draft."""

    proposal: UUID
    number: int
    content: ProposalContent
    is_ready: bool


class ProposalMarked(ManualBookingEvent, frozen=True, kw_only=True):
    """A person said that a proposal was sent, accepted or declined."""

    proposal: UUID
    status: Mark
