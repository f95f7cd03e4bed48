"""What the lists of people whom the funnel counts have in common: its filters, and the order by time."""

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from showup.reads.funnel_filter import FunnelFilter, Source
from showup.reads.simulated import SimulatedFilter
from showup.web.dashboard.lists.address import Choice, Filter
from showup.web.dashboard.lists.record_list import Reader, RecordListQuery
from showup.web.dashboard.periods import PageDay
from showup.web.dashboard.shell import counted_records
from showup.web.http.query_params import any_of

SOURCES: Final = (Choice("emailbison", "EmailBison"), Choice("csv", "imported files"))
PERIOD_FILTERS: Final = (
    Filter(name="since", label="On", form="day", preposition="or after"),
    Filter(name="until", label="Only", form="day", preposition="before"),
)


class FunnelListQuery(RecordListQuery):
    """The fields of the address that are filters of the funnel."""

    campaign_id: list[Annotated[int, Field(ge=0, lt=2**63)]] = any_of()
    source: list[Source] = any_of()
    since: PageDay | None = None
    until: PageDay | None = None
    simulated: SimulatedFilter = "false"
    sort: Literal["at", "-at"] = "-at"

    def funnel_filter(self, reader: Reader, organizers: Sequence[str] = ()) -> FunnelFilter:
        """Return the filter of the funnel whose number leads here."""
        return FunnelFilter(
            workspace_id=reader.session.workspace.id,
            campaign_ids=self.campaign_id,
            sources=self.source,
            organizers=organizers,
            since=self.at_midnight(self.since, reader.viewer),
            until=self.at_midnight(self.until, reader.viewer),
            simulated=self.simulated if "simulated" in self.model_fields_set else counted_records(reader.session),
        )
