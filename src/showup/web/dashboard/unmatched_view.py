"""What the page Unmatched shows: the queue, and the open attendee beside the lead that they may be."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.campaigns.match import Membership
from showup.companies.company import domain_of_key
from showup.reads.keyset import PageRequest
from showup.reads.lead_review import LinkEffect, find_lead, link_effect, memberships_of, search_leads
from showup.reads.rows import Item
from showup.reads.unmatched import UnmatchedFilter, find_unmatched, list_unmatched
from showup.web.dashboard.differences import MarkedText, mark_address, mark_words
from showup.web.dashboard.words import Viewer, count, sentence

MAX_QUEUE: Final = 30
_SURE: Final = 0.9
_CLOSE: Final = timedelta(days=14)


class QueueRow(Struct, frozen=True, kw_only=True):
    """An attendee in the queue. `sure`: how probable the best lead is, in per cent; None without any."""

    id: UUID
    name: str
    address: str
    note: str
    sure: int | None
    is_sure: bool
    simulated: bool


class Queue(Struct, frozen=True, kw_only=True):
    """The latest meetings without a lead, the surest first and sample data last. `has_more`: there are earlier ones."""

    rows: Sequence[QueueRow]
    has_more: bool

    def after(self, unmatched_id: UUID) -> UUID | None:
        """Return who comes after this one; after the last the first, and None if there is no other."""
        ids = [row.id for row in self.rows]
        place = ids.index(unmatched_id) if unmatched_id in ids else -1
        following = ids[(place + 1) % len(ids)] if ids else None
        return None if following == unmatched_id else following


class ComparedRow(Struct, frozen=True, kw_only=True):
    """One line of the comparison. `is_alike` colours `alike`; `note` says where the first value is from."""

    name: str
    booked: Sequence[MarkedText]
    lead: Sequence[MarkedText]
    alike: str
    is_alike: bool
    note: str = ""


class LeadChoice(Struct, frozen=True, kw_only=True):
    """A lead that can be chosen instead."""

    id: UUID
    name: str
    email: str
    company: str | None


class Pair(Struct, frozen=True, kw_only=True):
    """The open attendee and the lead. `others` are the next candidates, `found` what the search found."""

    unmatched: Item
    first_name: str
    lead: Item | None
    campaign: str | None
    rows: Sequence[ComparedRow]
    effect: LinkEffect | None
    others: Sequence[LeadChoice]
    search: str
    found: Sequence[LeadChoice]


async def build_queue(tx: AsyncConnection, permission: Permission, viewer: Viewer) -> Queue:
    """Read the queue."""
    page = await list_unmatched(
        tx, permission, UnmatchedFilter(dismissed=False), PageRequest(sort="-start_time", limit=MAX_QUEUE)
    )
    booked_at = {one["candidates"][0]["lead"]["email"]: one["booked_at"] for one in page.items if one["candidates"]}
    workspace_id = permission.workspace_id
    campaigns = await memberships_of(tx, workspace_id, booked_at) if workspace_id and booked_at else {}
    items = sorted(page.items, key=lambda one: (one["simulated"], -_score(one)))
    return Queue(
        rows=[_queue_row(one, campaigns, viewer) for one in items],
        has_more=page.next_cursor is not None,
    )


async def build_pair(  # the open row, and what the reader chose for it
    tx: AsyncConnection,
    permission: Permission,
    viewer: Viewer,
    unmatched_id: UUID,
    *,
    lead_id: UUID | None,
    search: str,
) -> Pair | None:
    """Read the open attendee with the chosen lead, by default the likeliest; None if the reader can see no such one."""
    unmatched = await find_unmatched(tx, permission, unmatched_id)
    if unmatched is None or unmatched["dismissed"]:
        return None
    candidates = unmatched["candidates"]
    chosen = next((one for one in candidates if one["lead"]["id"] == lead_id), None)
    if chosen is None:
        other = await find_lead(tx, permission, lead_id) if lead_id is not None else None
        chosen = other or next(iter(candidates), None)
    found = await search_leads(tx, permission, unmatched, search) if search else []
    name = unmatched["name"] or unmatched["attendee"]
    pair = Pair(
        unmatched=unmatched,
        first_name=_first_name(name),
        lead=None,
        campaign=None,
        rows=(),
        effect=None,
        others=_others(candidates, chosen),
        search=search,
        found=[_choice(one["lead"]) for one in found],
    )
    return pair if chosen is None else await _with_lead(tx, viewer, pair, chosen)


async def _with_lead(tx: AsyncConnection, viewer: Viewer, pair: Pair, chosen: Item) -> Pair:
    unmatched, lead = pair.unmatched, chosen["lead"]
    campaigns = await memberships_of(tx, unmatched["workspace_id"], {lead["email"]: unmatched["booked_at"]})
    membership = campaigns.get(lead["email"])
    if membership is None:
        return pair
    ids = {"campaign_id": membership.campaign_id, "lead_id": lead["id"]}
    return replace(
        pair,
        lead=lead,
        campaign=membership.campaign_name,
        rows=[*_rows(unmatched, chosen), _when(unmatched["booked_at"], membership, viewer), _rivals(unmatched, lead)],
        effect=await link_effect(tx, unmatched["workspace_id"], unmatched["booking_id"], **ids),
    )


def _first_name(name: str) -> str:
    """Return the first word of a name; all of it if that is an initial."""
    first = name.partition(" ")[0]
    return first if len(first.rstrip(".")) > 1 else name


def _score(item: Item) -> float:
    return item["candidates"][0]["score"] if item["candidates"] else 0.0


def _queue_row(item: Item, campaigns: dict[str, Membership], viewer: Viewer) -> QueueRow:
    candidates = item["candidates"]
    score = _score(item)
    first = campaigns.get(candidates[0]["lead"]["email"]) if candidates else None
    if first is not None and (len(candidates) == 1 or score >= _SURE):
        note = f"likely {first.campaign_name}"
    else:
        note = count(len(candidates), "candidate") if candidates else "no candidate"
    return QueueRow(
        id=item["id"],
        name=item["name"] or item["attendee"],
        address=item["attendee"],
        note=f"{viewer.moment(item['start_time'])} · {note}",
        sure=round(100 * score) if candidates else None,
        is_sure=score >= _SURE,
        simulated=item["simulated"],
    )


def _others(candidates: Sequence[Item], chosen: Item | None) -> list[LeadChoice]:
    """Return the candidates after the chosen one, and then those before it."""
    ids = [one["lead"]["id"] for one in candidates]
    start = ids.index(chosen["lead"]["id"]) + 1 if chosen is not None and chosen["lead"]["id"] in ids else 0
    ordered = [*candidates[start:], *candidates[:start]]
    return [_choice(one["lead"]) for one in ordered if chosen is None or one["lead"]["id"] != chosen["lead"]["id"]]


def _choice(lead: Item) -> LeadChoice:
    return LeadChoice(id=lead["id"], name=lead["name"] or lead["email"], email=lead["email"], company=lead["company"])


def _rows(unmatched: Item, chosen: Item) -> list[ComparedRow]:
    lead, evidence = chosen["lead"], chosen["evidence"]
    typed, domain = unmatched["company_answer"], domain_of_key(unmatched["company_key"] or "")
    company = _compared("Company", typed, lead["company"], evidence.get("company"))
    if typed:
        company = replace(company, note="their answer in the form")
    elif domain:
        company = replace(company, booked=[MarkedText(domain, is_marked=False)], note="by the address")
    return [
        _compared("Name", unmatched["name"], lead["name"], evidence.get("name")),
        _address(unmatched["attendee"], lead["email"]),
        company,
    ]


def _compared(name: str, booked: str | None, lead: str | None, evidence: str | None) -> ComparedRow:
    same = bool(booked and lead) and (booked or "").casefold().split() == (lead or "").casefold().split()
    # The evidence ends with the result of the comparison.
    words = "the same" if same else (evidence or "").rpartition(": ")[2] or "not compared"
    return ComparedRow(
        name=name,
        booked=mark_words(booked, lead),
        lead=mark_words(lead, booked),
        alike=words,
        is_alike=same or words.startswith(("the same", "a short form", "nearly")) or words.endswith("both addresses"),
    )


def _address(attendee: str, email: str) -> ComparedRow:
    (name, _, domain), (other_name, _, other_domain) = attendee.partition("@"), email.partition("@")
    if (name, domain) == (other_name, other_domain):
        words = "the same"
    elif domain == other_domain:
        words = "only after the @"
    else:
        words = "only before the @" if name == other_name else "another address"
    return ComparedRow(
        name="Address",
        booked=mark_address(attendee, email),
        lead=mark_address(email, attendee),
        alike=words,
        is_alike=words == "the same",
    )


def _when(booked_at: datetime, membership: Membership, viewer: Viewer) -> ComparedRow:
    at, what = membership.interested_at, "Interested"
    if at is None or not membership.interested:
        at, what = membership.last_sent_at, "Last mail"
    known = "" if at is None else f"{what} {viewer.moment(at)}"
    return ComparedRow(
        name="When",
        booked=[MarkedText(sentence(f"booked {viewer.moment(booked_at)}"), is_marked=False)],
        lead=[MarkedText(known or "Nothing dated", is_marked=False)],
        alike="no date to compare" if at is None else _apart(booked_at, at),
        is_alike=at is not None and timedelta() <= booked_at - at <= _CLOSE,
    )


def _apart(booked_at: datetime, at: datetime) -> str:
    """Return how long before the booking the campaign reached the lead."""
    minutes = int(abs(booked_at - at).total_seconds() // 60)
    hours, days = minutes // 60, minutes // 1440
    length = f"{minutes} min" if minutes < 60 else f"{hours} h" if hours < 48 else count(days, "day")
    return f"{length} apart" if booked_at >= at else f"{length} after the booking"


def _rivals(unmatched: Item, lead: Item) -> ComparedRow:
    others = [one["lead"] for one in unmatched["candidates"] if one["lead"]["id"] != lead["id"]]
    if not others:
        text = MarkedText("No other lead has a name or company like theirs", is_marked=False)
        return ComparedRow(name="Others", booked=[text], lead=(), alike="only one", is_alike=True)
    names = ", ".join((one["name"] or one["email"])[:60] for one in others)
    return ComparedRow(
        name="Others", booked=[MarkedText(names, is_marked=False)], lead=(), alike=f"{len(others)} more", is_alike=False
    )
