"""Reads the funnel: from the mails of campaigns to the people who showed, and the deals that were won (CA5)."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct, field
from sqlalchemy import RowMapping, select, text, true
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.workspace import SIMULATION
from showup.campaigns.funnel import Counts, Held, Outcomes
from showup.database.tables import campaigns, workspaces
from showup.reads.funnel_booked import OUTCOMES, booked_query
from showup.reads.funnel_deals import deals_query
from showup.reads.funnel_filter import Dimension, FunnelFilter, keys_of
from showup.reads.funnel_mails import mail_queries, mails_query, people_query, undated_queries, undated_query
from showup.reads.funnel_people import people_queries, unmatched_queries
from showup.reads.merged_leads import merged_leads
from showup.reads.rows import Item, if_any, if_set
from showup.values.proportion import Proportion

Key: TypeAlias = tuple[Any, ...]
_Part: TypeAlias = Literal["total", "groups"]

_FOR_SHORT_QUERIES: Final = (
    "SELECT set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)"
)

MAX_READ_GROUPS: Final = 20_000
"""A funnel with more groups is refused: no person reads them, and each takes memory."""


class TooManyGroups(ValueError):
    """The dimensions give more groups than MAX_READ_GROUPS."""


class DealsWon(Struct, kw_only=True):
    """Won deals; `value` is the sum of their amounts by currency. A deal without an amount counts in `won` only."""

    won: int = 0
    value: dict[str, Decimal] = field(default_factory=dict)


class FunnelGroup(Struct, frozen=True, kw_only=True):
    """A group of a funnel; `key` has the values of its dimensions."""

    key: Key
    counts: Counts
    deals: DealsWon

    def held(self) -> Proportion:
        """Return the held rate."""
        return self.counts.held.proportion


class Funnel(Struct, frozen=True, kw_only=True):
    """A funnel: the total, and its groups, those with the most won deals first."""

    total: FunnelGroup
    groups: Sequence[FunnelGroup]


async def read_funnel(
    tx: AsyncConnection, wanted: FunnelFilter, dimensions: Sequence[Dimension], now: datetime
) -> Funnel:
    """Returns the funnel of what the filter selects. Raises TooManyGroups."""
    keys = keys_of(dimensions)
    found = _Found(keys)
    params = wanted.params(now) | await merged_leads(tx, wanted.workspace_id)

    async def read(query: str) -> Sequence[RowMapping]:
        # One row more than there may be, and that of the total.
        rows = await tx.execute(text(f"{query} LIMIT {MAX_READ_GROUPS + 2}"), params)
        return rows.mappings().all()

    # Compiling a plan, or starting a second process for it, takes longer than running it.
    await tx.execute(text(_FOR_SHORT_QUERIES))
    for query, part in _queries(wanted, keys, has_merged=bool(params["merged_leads"])):
        rows = await read(query)
        found.add(rows if part is None else (row for row in rows if row["is_total"] == (part == "total")))
    found.add_deals(await read(deals_query(wanted, keys)))
    if len(found.keys) > MAX_READ_GROUPS + 1:
        raise TooManyGroups
    found.drop_zeros()
    if list(dimensions) == ["campaign"]:
        found.add_keys(await _campaigns(tx, wanted))
    if len(found.keys) > MAX_READ_GROUPS + 1:
        raise TooManyGroups
    groups = sorted((found.group(key) for key in found.keys if key != ()), key=_order)
    return Funnel(total=found.group(()), groups=groups)


def _queries(wanted: FunnelFilter, keys: Sequence[Dimension], *, has_merged: bool) -> list[tuple[str, _Part | None]]:
    """Return the queries of all steps but won deals, and the rows that count of each; None: all."""
    # Mails and replies have no organizer.
    mail_keys = () if "organizer" in keys else keys
    if wanted.in_cohort():
        mails = [] if wanted.organizers else [mails_query(wanted, mail_keys), people_query(wanted, mail_keys)]
        return [(query, None) for query in (*mails, booked_query(wanted, keys))]
    totals = people_queries(wanted, ())
    groups = people_queries(wanted, keys) if keys else []
    if not wanted.organizers:
        totals += mail_queries(wanted, (), has_merged=has_merged)
        groups += mail_queries(wanted, mail_keys, has_merged=has_merged) if mail_keys else []
    groups += unmatched_queries(wanted, keys) if keys and wanted.has_others(keys) else []
    return [*((query, "total") for query in totals), *((query, "groups") for query in groups)]


async def _campaigns(tx: AsyncConnection, wanted: FunnelFilter) -> list[Key]:
    """Return the keys of all campaigns: those of which nothing is known yet, such as a draft, have zeros."""
    c = campaigns.c
    simulation = select(workspaces.c.id).where(workspaces.c.slug == SIMULATION).scalar_subquery()
    is_wanted = {
        "all": true(),
        "true": c.workspace_id == simulation,
        "false": c.workspace_id.is_distinct_from(simulation),
    }
    query = (
        select(c.workspace_id, c.id)
        .where(
            is_wanted[wanted.simulated],
            if_set(wanted.workspace_id, lambda one: c.workspace_id == one),
            if_any(wanted.campaign_ids, c.id.in_),
            if_any(wanted.sources, c.source.in_),
        )
        .limit(MAX_READ_GROUPS + 1)
    )
    return [tuple(row) for row in await tx.execute(query)]


async def undated(tx: AsyncConnection, wanted: FunnelFilter, now: datetime) -> Item | None:
    """Returns how many mails, replies and interests have no time and are in no period; None without a period."""
    if not wanted.has_period or wanted.organizers:
        return None
    params = wanted.params(now) | await merged_leads(tx, wanted.workspace_id)
    if wanted.basis == "cohort":
        queries = [undated_query(wanted)]
    else:
        queries = undated_queries(wanted, has_merged=bool(params["merged_leads"]))
    found = dict.fromkeys(("sent", "replied", "interested"), 0)
    for query in queries:
        for row in (await tx.execute(text(query), params)).mappings():
            found = {name: count + row.get(name, 0) for name, count in found.items()}
    return found


class _Found:
    """Gathers the counts of all queries by group; the total has the key ()."""

    def __init__(self, keys: Sequence[Dimension]) -> None:
        self._keys = keys
        self._counts: dict[Key, Counter[str]] = {(): Counter()}
        self._deals: dict[Key, DealsWon] = {}

    @property
    def keys(self) -> Collection[Key]:
        return self._counts

    def add(self, rows: Iterable[Any]) -> None:
        for row in rows:
            counts = {name: value for name, value in row.items() if name not in {*self._keys, "is_total"}}
            self._counts.setdefault(self._key(row), Counter()).update(counts)

    def add_deals(self, rows: Iterable[Any]) -> None:
        for row in rows:
            key = self._key(row)
            self._counts.setdefault(key, Counter())
            deals = self._deals.setdefault(key, DealsWon())
            deals.won += row["won"]
            if row["amount"] is not None and row["currency"] is not None:
                deals.value[row["currency"]] = row["amount"]

    def drop_zeros(self) -> None:
        """Forget groups of which nothing is left: sums of zero stay in the database."""
        for key in [
            key for key, counts in self._counts.items() if key and key not in self._deals and not any(counts.values())
        ]:
            del self._counts[key]

    def add_keys(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._counts.setdefault(key, Counter())

    def _key(self, row: Any) -> Key:
        return () if row["is_total"] else tuple(row[key] for key in self._keys)

    def group(self, key: Key) -> FunnelGroup:
        """Return one group; mails and replies are None where they can't be counted."""
        found = self._counts[key]
        has_mails = "sent" in self._counts[()] and (not key or "organizer" not in self._keys)
        steps = {
            name: found.get(name, 0) if has_mails else None for name in ("sent", "delivered", "replied", "interested")
        }
        counts = Counts(
            **steps,
            booked=found.get("booked", 0),
            outcomes=Outcomes(**{name: found.get(name, 0) for name in OUTCOMES}),
            held=Held(showed=found.get("held", 0), no_show=found.get("missed", 0), open=found.get("open", 0)),
        )
        return FunnelGroup(key=key, counts=counts, deals=self._deals.get(key, DealsWon()))


def _order(group: FunnelGroup) -> tuple[Any, ...]:
    counts = group.counts
    return (
        *(-group.deals.won, -counts.showed, -counts.booked, -(counts.interested or 0), -(counts.sent or 0)),
        *((value is None, str(value)) for value in group.key),
    )
