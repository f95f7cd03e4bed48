"""Lists the leads who replied or were interested: as many rows as the funnel counts people (CA5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.engine import driver_connection
from showup.reads.funnel_filter import FunnelFilter
from showup.reads.funnel_mails import Answer, answers_query
from showup.reads.funnel_page import count_people, directions, read_people
from showup.reads.keyset import PageRequest, ResultPage
from showup.reads.list_totals import Totals
from showup.reads.merged_leads import merged_leads
from showup.reads.rows import Item

UNDATED: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
"""Stands for the time of an answer whose time is unknown."""


class AnsweredLeads(Struct, frozen=True, kw_only=True):
    """The people who gave this answer, each with their newest one in the filter."""

    wanted: FunnelFilter
    answer: Answer
    now: datetime

    def page_query(self, page_request: PageRequest) -> str:
        """Return the rows of a page and one more; its parameters are bound.

        Nearly all people are one lead: these are read in their order, by the index of the answer's time.
        """
        alone, merged = answers_query(self.wanted, self.answer)
        comparison, order = directions(page_request)
        undated, limit = f"TIMESTAMPTZ '{UNDATED.isoformat()}'", f"LIMIT {page_request.limit + 1}"
        time = f"m.{self.answer}_at"

        def after(at: str, person: str) -> str:
            cursor = f"({at}, {person}) {comparison} (:after_at, :after_id)"
            return "true" if page_request.cursor is None else cursor

        def own(condition: str, at: str) -> str:
            where = f"{condition} AND {after(at, 'm.lead_id')}"
            return f"({alone} AND {where} ORDER BY {time} {order}, m.lead_id {order} {limit})"

        return f"""
            SELECT * FROM {own(f"{time} IS NOT NULL", time)} dated
            UNION ALL SELECT person_id, lead_id, campaign_id, {undated} FROM {own(f"{time} IS NULL", undated)} undated
            UNION ALL SELECT * FROM (
                SELECT DISTINCT ON (person_id) person_id, lead_id, campaign_id, coalesce(at, {undated}) AS at
                FROM ({merged}) answers ORDER BY person_id, answers.at DESC NULLS LAST, lead_id, campaign_id
            ) people WHERE {after("at", "person_id")}
            ORDER BY at {order}, person_id {order} {limit}
        """  # noqa: S608  # our own names

    def count_query(self, bound: int) -> str:
        """Return a row for each of them, at most one more than the bound."""
        alone, merged = answers_query(self.wanted, self.answer)
        return f"""
            SELECT person_id FROM ({alone}) alone UNION ALL SELECT DISTINCT person_id FROM ({merged}) merged
            LIMIT {bound + 1}
        """  # noqa: S608  # as above

    async def params(self, tx: AsyncConnection) -> dict[str, Any]:
        """Return the bound parameters."""
        return self.wanted.params(self.now) | await merged_leads(tx, self.wanted.workspace_id)


async def list_leads_who_answered(
    tx: AsyncConnection, permission: Permission, filters: AnsweredLeads, page_request: PageRequest
) -> ResultPage:
    """Returns a page by the time of the answer, each with its lead, campaign, mail and sender.

    The filter names the workspace of the permission.
    """
    query = filters.page_query(page_request)
    people, next_cursor = await read_people(tx, query, await filters.params(tx), page_request)
    return ResultPage(items=await _with_leads(tx, permission, people), next_cursor=next_cursor)


async def count_leads_who_answered(
    tx: AsyncConnection,
    permission: Permission,  # noqa: ARG001  # the filter has its workspace
    filters: AnsweredLeads,
    bound: int,
) -> Totals:
    """Returns how many people these are, up to a bound."""
    return await count_people(tx, filters.count_query(bound), await filters.params(tx), bound)


async def _with_leads(tx: AsyncConnection, permission: Permission, people: Sequence[Item]) -> list[Item]:
    leads, campaigns = [one["lead_id"] for one in people], [one["campaign_id"] for one in people]
    rows = await (await driver_connection(tx)).fetch(_LEADS, permission.workspace_id, leads, campaigns)
    return [{**one, **dict(row), "id": one["person_id"]} for one, row in zip(people, rows, strict=True)]


# A lead is a person, if somebody with their address booked.
_LEADS: Final = """
    SELECT l.name, l.email, l.company, c.name AS campaign, m.step, m.sender_email, p.id AS record_id
    FROM unnest($2::uuid[], $3::bigint[]) WITH ORDINALITY AS answered(lead_id, campaign_id, place)
    JOIN leads l ON l.workspace_id = $1 AND l.id = answered.lead_id
    JOIN campaigns c ON c.workspace_id = $1 AND c.id = answered.campaign_id
    JOIN campaign_leads m ON m.lead_id = l.id AND m.campaign_id = c.id
    LEFT JOIN people p ON p.workspace_id = $1 AND p.email = l.email
    ORDER BY answered.place
"""
