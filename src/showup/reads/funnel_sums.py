"""Which sums answer a funnel: their level, the whole weeks in its period, and what remains to be counted by rows.

`people_weeks` and `mail_weeks` add up people by week, at the levels of `campaigns.funnel.LEVELS`. A person counts once
in a group, so sums of one level answer a question if they distinguish what it groups and filters by, and nothing else.
Where a question joins several campaigns into one group, sums leave out those who are in several (`shared`), who are
then counted by their rows. So are the days of the period that are no whole week.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, structs

from showup.campaigns.funnel import LEVELS, Level
from showup.reads.funnel_filter import UNKNOWN, Dimension, FunnelFilter
from showup.reads.whole_weeks import Weeks

_COLUMNS: Final = {
    "campaign": "nullif({t}.campaign_id, 0)",
    "step": "nullif({t}.step, 0)",
    "sender": "nullif({t}.sender_email, '')",
    "source": f"coalesce(c.source, '{UNKNOWN}')",
    "organizer": "nullif({t}.organizer_email, '')",
    "workspace": "{t}.workspace_id",
}
_UNMATCHED_COLUMNS: Final = {**_COLUMNS, "source": f"'{UNKNOWN}'"}
_OF_CAMPAIGN: Final = frozenset({"campaign", "step", "sender", "source"})


class EdgeFilter(FunnelFilter, frozen=True, kw_only=True):
    """The same filter for the days of the period that are in none of its whole weeks."""

    whole: Weeks

    def in_activity(self, at: str) -> str:
        """Return the condition on the time of a step."""
        return self.whole.leaves(at)


def edges_of(wanted: FunnelFilter) -> EdgeFilter:
    """Return the filter of the days that sums by week can't count."""
    return EdgeFilter(**structs.asdict(wanted), whole=wanted.weeks)


class WholeFilter(FunnelFilter, frozen=True, kw_only=True):
    """The same filter for the whole weeks of the period."""

    def in_activity(self, at: str) -> str:
        """Return the condition on the time of a step."""
        return self.weeks.contains(at)


class UndatedFilter(FunnelFilter, frozen=True, kw_only=True):
    """The same filter for what has no date."""

    def in_activity(self, at: str) -> str:
        """Return the condition on the time of a step."""
        return f"{at} IS NULL"


class Sums(Struct, frozen=True, kw_only=True):
    """How sums answer one question. `level` None: not at all. `is_exact`: they include those who are `shared`.

    `matched`: they count leads; else people whom no campaign brought.
    """

    level: Level | None
    is_exact: bool
    matched: bool = True

    @property
    def number(self) -> int:
        """Return the level's number in the database."""
        return -1 if self.level is None else LEVELS[self.level]


def sums_of_people(wanted: FunnelFilter, keys: Sequence[Dimension]) -> Sums:
    """Return how `people_weeks` answers for those who booked."""
    needs_organizer = "organizer" in keys or bool(wanted.organizers)
    needs_campaign = bool(_OF_CAMPAIGN & set(keys)) or bool(wanted.campaign_ids or wanted.sources)
    if needs_organizer and "organizer" not in keys and len(wanted.organizers) != 1:
        return Sums(level=None, is_exact=False)
    # Merged people may be several leads of one campaign, with a mail and a sender each.
    needs_member = bool({"step", "sender"} & set(keys))
    is_exact = wanted.simulated != "all" and (not needs_campaign or _is_one_campaign(wanted, keys)) and not needs_member
    if needs_organizer:
        if needs_member:
            return Sums(level=None, is_exact=False)
        return Sums(level="campaign_organizer" if needs_campaign or not is_exact else "organizer", is_exact=is_exact)
    return Sums(level=_level(wanted, keys, is_exact=is_exact), is_exact=is_exact)


def sums_of_unmatched(wanted: FunnelFilter, keys: Sequence[Dimension]) -> Sums:
    """Return how `people_weeks` answers for people whom no campaign brought: of all organizers, or of each."""
    if len(wanted.organizers) > 1 and "organizer" not in keys:
        return Sums(level=None, is_exact=False, matched=False)
    level: Level = "organizer" if wanted.organizers or "organizer" in keys else "all"
    return Sums(level=level, is_exact=wanted.simulated != "all", matched=False)


def sums_of_mails(wanted: FunnelFilter, keys: Sequence[Dimension]) -> Sums:
    """Return how `mail_weeks` answers. `is_exact` is about people who answered; mails are always added up."""
    is_exact = _is_one_campaign(wanted, keys)
    return Sums(level=_level(wanted, keys, is_exact=True), is_exact=is_exact)


def _is_one_campaign(wanted: FunnelFilter, keys: Sequence[Dimension]) -> bool:
    """Return whether each group has one campaign of each lead, who belongs to one workspace."""
    return "campaign" in keys or len(wanted.campaign_ids) == 1


def _level(wanted: FunnelFilter, keys: Sequence[Dimension], *, is_exact: bool) -> Level:
    if {"step", "sender"} & set(keys):
        return "member"
    if _OF_CAMPAIGN & set(keys) or wanted.campaign_ids or wanted.sources or not is_exact:
        return "campaign"
    return "all"


def key_columns(table: str, keys: Sequence[Dimension], *, matched: bool = True) -> str:
    """Return the columns of a group's key in sums, and in the rows that they add up; each with a comma behind it."""
    columns = _COLUMNS if matched else _UNMATCHED_COLUMNS
    return "".join(f"{columns[key].format(t=table)} AS {key}, " for key in keys)


def group_by(keys: Sequence[Dimension]) -> str:
    """Return GROUP BY for the groups."""
    return f"GROUP BY {', '.join(keys)}" if keys else ""


def campaigns_of(table: str, keys: Sequence[Dimension]) -> str:
    """Return the join with the campaign, `c`, if the groups have its source."""
    join = f"JOIN campaigns c ON c.workspace_id = {table}.workspace_id AND c.id = {table}.campaign_id"
    return join if "source" in keys else ""
