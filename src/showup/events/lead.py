"""Events about leads: a source of leads reported that something happened to one."""

from uuid import UUID

from msgspec import Struct

from showup.events.stream import Stream


class LeadReported(Struct, frozen=True, kw_only=True):
    """EmailBison reported something about a lead. `lead` is its number there, or its address.

    The report is not signed, so it says only which lead to ask EmailBison's API about.
    """

    lead: str

    def stream(self, event_id: UUID) -> Stream:  # noqa: ARG002  # it belongs to the lead
        """Return the lead's stream."""
        return Stream("lead", self.lead)
