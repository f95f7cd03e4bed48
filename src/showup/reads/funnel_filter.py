"""What a funnel counts, and by what it is grouped, as parts of SQL statements; values are bound parameters (CA5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias, get_args
from uuid import UUID

from msgspec import Struct

from showup.access.workspace import SIMULATION
from showup.campaigns.campaign import CampaignSource
from showup.campaigns.funnel import MAX_STEP
from showup.reads.simulated import SimulatedFilter
from showup.reads.whole_weeks import Weeks, whole_weeks

Basis: TypeAlias = Literal["activity", "cohort"]
Dimension: TypeAlias = Literal["campaign", "step", "sender", "source", "organizer", "workspace"]
Source: TypeAlias = CampaignSource | Literal["unknown"]
Expressions: TypeAlias = Mapping[Dimension, str]

DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
UNKNOWN: Final = "unknown"
"""The source of people whom no campaign brought; they have a group of their own, and are in no total."""


_CAMPAIGNS: Final = "SELECT workspace_id, id FROM campaigns WHERE source = ANY(CAST(:sources AS text[]))"


class FunnelFilter(Struct, frozen=True, kw_only=True):
    """What a funnel counts. An empty list or None does not filter; `until` is exclusive."""

    workspace_id: UUID | None = None
    campaign_ids: Sequence[int] = ()
    sources: Sequence[Source] = ()
    organizers: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    basis: Basis = "activity"
    simulated: SimulatedFilter = "false"

    def params(self, now: datetime) -> dict[str, Any]:
        """Return the bound parameters of all queries."""
        return {
            "workspace_id": self.workspace_id,
            "campaign_ids": list(self.campaign_ids),
            "sources": list(self.sources),
            "organizers": list(self.organizers),
            "since": self.since,
            "until": self.until,
            "now": now,
            "simulated": self.simulated == "true",
            "simulation": SIMULATION,
            **self.weeks.params(),
        }

    @property
    def weeks(self) -> Weeks:
        """Return the whole weeks in the period."""
        return whole_weeks(self.since, self.until)

    def of_campaign(self, table: str) -> list[str]:
        """Return the conditions on the campaign."""
        found = []
        if self.workspace_id is not None:
            found.append(f"{table}.workspace_id = :workspace_id")
        if self.campaign_ids:
            found.append(f"{table}.campaign_id = ANY(CAST(:campaign_ids AS bigint[]))")
        if self.sources:
            # A test of each row. A join would read lists by campaign, and not in their order.
            found.append(f"(({table}.workspace_id, {table}.campaign_id) IN ({_CAMPAIGNS})) IS TRUE")
        return found

    def of_mails(self, table: str) -> list[str]:
        """Return the conditions on the campaign whose mails count: those of simulated campaigns are simulated too."""
        simulated = "(SELECT id FROM workspaces WHERE slug = :simulation)"
        # A condition on the parameter does not mislead the planner about how many rows are left.
        own = f"{table}.workspace_id" if self.workspace_id is None else "CAST(:workspace_id AS uuid)"
        found = {
            "all": [],
            "true": [f"{own} = {simulated}"],
            "false": [f"{own} IS DISTINCT FROM {simulated}"],
        }
        return [*self.of_campaign(table), *found[self.simulated]]

    def of_booking(self, table: str = "b") -> list[str]:
        """Return the conditions on the booking."""
        found = [f"{table}.organizer_email = ANY(CAST(:organizers AS text[]))"] if self.organizers else []
        if self.workspace_id is not None:
            found.append(f"{table}.workspace_id = :workspace_id")
        return found if self.simulated == "all" else [*found, f"{table}.simulated = :simulated"]

    def between(self, at: str) -> str:
        """Return the condition that a time is in the period; a time that is unknown is in none."""
        found = [] if self.since is None else [f"{at} >= :since"]
        found += [] if self.until is None else [f"{at} < :until"]
        return " AND ".join(found) or "true"

    def in_cohort(self) -> list[str]:
        """Return the condition on the lead's first mail; `m` is its row in `campaign_leads`."""
        return [self.between("m.first_sent_at")] if self.basis == "cohort" and self.has_period else []

    def in_activity(self, at: str) -> str:
        """Return the condition on the time of a step."""
        return self.between(at) if self.basis == "activity" else "true"

    @property
    def has_period(self) -> bool:
        """Return whether the funnel is limited to a period."""
        return self.since is not None or self.until is not None

    def has_others(self, keys: Sequence[Dimension]) -> bool:
        """Return whether people whom no campaign brought have a group: only where the funnel names sources."""
        if self.campaign_ids or self.basis == "cohort":
            return False
        return UNKNOWN in self.sources or ("source" in keys and not self.sources)

    def needs_members(self, keys: Sequence[Dimension]) -> bool:
        """Return whether a query of seats or deals needs the lead's row in `campaign_leads`."""
        return bool({"step", "sender"} & set(keys) or self.in_cohort())


MEMBERS: Final[Expressions] = {
    "campaign": "m.campaign_id",
    # NULL would count as MAX_STEP in least().
    "step": f"nullif(least(coalesce(m.step, m.sent, 0), {MAX_STEP}), 0)",
    "sender": "m.sender_email",
    "source": "c.source",
    "workspace": "m.workspace_id",
}
"""The dimensions of a lead in a campaign. It answered the mail `step`; without an answer, it is the last one."""


def seat_expressions(table: str) -> Expressions:
    """Return the dimensions of a seat or a deal: `table` has its workspace, campaign and organizer."""
    return {
        **MEMBERS,
        "campaign": f"{table}.campaign_id",
        "source": f"coalesce(c.source, '{UNKNOWN}')",
        "organizer": f"{table}.organizer_email",
        "workspace": f"{table}.workspace_id",
    }


def keys_of(dimensions: Sequence[Dimension]) -> tuple[Dimension, ...]:
    """Return the columns of a group's key: the numbers of campaigns are unique in a workspace only."""
    return (*(("workspace",) if "campaign" in dimensions else ()), *dimensions)


def columns(expressions: Expressions, keys: Sequence[Dimension]) -> str:
    """Return the columns of a group's key, each with a comma behind it."""
    return "".join(f"{expressions[key]} AS {key}, " for key in keys)


def names(keys: Sequence[Dimension]) -> str:
    """Return the names of these columns, each with a comma behind it."""
    return "".join(f"{key}, " for key in keys)


def grouping_sets(keys: Sequence[Dimension]) -> str:
    """Return GROUP BY for the groups and their total."""
    return f"GROUP BY GROUPING SETS (({', '.join(keys)}), ())" if keys else ""


def is_total(keys: Sequence[Dimension]) -> str:
    """Return whether a row is that of the total."""
    return f"grouping({', '.join(keys)}) > 0" if keys else "true"
