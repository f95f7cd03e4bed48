"""CA4, CA5: the query of the funnel counts as a plain count of people does, whatever happened to them."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.campaigns.funnel import Counts
from showup.database.engine import driver_connection, transaction
from showup.deals.deal import DealChange
from showup.events.booking import MatchUndone, OutcomeReported
from showup.events.deal import DealChanged
from showup.events.workspace import Merged, MergeUndone
from showup.inbox import store
from showup.inbox.apply import apply_pending
from showup.inbox.inbox_event import IncomingEvent
from showup.reads.client_bookings import client_bookings
from showup.reads.funnel import Funnel, read_funnel, undated
from showup.reads.funnel_filter import Dimension, FunnelFilter, keys_of
from showup.reads.funnel_leads import Counted, CountedLeads, count_leads_who_booked, list_leads_who_booked
from showup.reads.funnel_mails import mails_query, people_query, undated_query
from showup.reads.keyset import PageRequest
from showup.reads.merged_leads import merged_leads
from showup.reads.stats_counts import count_meetings
from tests.campaigns.plain_funnel import count_deals, count_people, count_unmatched, plain_meetings
from tests.campaigns.scenario import CampaignScenario
from tests.histories.webhooks import ANN, BEN, MONDAY, attendee, body, ended_body, no_show_body, payload

NOW = MONDAY + timedelta(days=14)
SINCE, UNTIL = MONDAY + timedelta(days=5), MONDAY + timedelta(days=9)
PERIOD: dict[str, Any] = {"since": SINCE, "until": UNTIL}
LEADS = [f"lead{number}@firm{number % 9}.example" for number in range(24)]
CAMPAIGNS = ("One", "Two", "Three")
# Merged later: two leads of one campaign who got the same mail of the same sender, and nothing else.
TWINS = LEADS[:2]
MAILS = ("sent", "delivered", "replied", "interested")
# With whole weeks, and days beside them.
WEEKS: dict[str, Any] = {"since": MONDAY - timedelta(hours=7), "until": MONDAY + timedelta(days=16, hours=5)}
QUESTIONS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    ((), WEEKS),
    ((), {"simulated": "all", **WEEKS}),
    ((), {"organizers": [ANN.email, BEN.email], **WEEKS}),
    (("campaign",), {}),
    (("campaign",), {"simulated": "all", **PERIOD}),
    (("campaign", "step", "sender"), PERIOD),
    (("campaign", "step", "sender"), WEEKS),
    (("campaign", "organizer"), WEEKS),
    (("organizer",), PERIOD),
    (("organizer",), {"campaigns": 2, **WEEKS}),
    (("step",), {"organizers": [ANN.email]}),
    (("step",), WEEKS),
    (("sender",), {"campaigns": 2, **WEEKS}),
    (("sender",), {"campaigns": 1}),
    (("sender", "organizer"), {"since": SINCE, "basis": "cohort"}),
    (("source", "workspace"), {"until": UNTIL, "sources": ["csv"]}),
    (("workspace",), {"organizers": [BEN.email], "since": WEEKS["since"]}),
    (("source",), {}),
    (("source",), WEEKS),
    (("source",), {"sources": ["unknown"], "simulated": "all", **WEEKS}),
    (("source",), {"sources": ["unknown", "csv"], "organizers": [ANN.email], **PERIOD}),
    (("source", "organizer"), {"simulated": "all", **WEEKS}),
    (("campaign",), {"sources": ["unknown"], "organizers": [ANN.email, BEN.email], **WEEKS}),
    (("step", "sender"), {"sources": ["unknown"], "organizers": [BEN.email], "simulated": "all"}),
    (("workspace", "organizer"), {"sources": ["unknown"], "simulated": "true"}),
    (("source",), {"campaigns": 1, "sources": ["unknown"]}),
]
# What the list of people whom no campaign brought counts, in any order.
LISTED: tuple[Counted, ...] = (
    *("booked", "showed_reported", "showed_assumed", "no_show", "host_absent", "unreported", "upcoming", "held"),
    "missed",
)


async def import_leads(scenario: CampaignScenario, chance: random.Random) -> None:
    for campaign in CAMPAIGNS:
        members = chance.sample(LEADS[2:], 13)
        twins = TWINS if campaign == CAMPAIGNS[0] else []
        await scenario.import_rows(
            campaign,
            [
                {
                    "email": email,
                    "emails_sent": chance.randrange(4),
                    "last_sent_at": chance.choice(
                        ["", (MONDAY - timedelta(hours=chance.randrange(1, 200))).isoformat()]
                    ),
                    "interested": chance.choice(["true", "false"]),
                    "interested_at": chance.choice(["", (MONDAY + timedelta(hours=chance.randrange(400))).isoformat()]),
                    "bounced": chance.choice(["true", "false", "false"]),
                    "sender_email": chance.choice(["s1@mail.example", "s2@mail.example", ""]),
                }
                for email in members
            ]
            + [{"email": email, "emails_sent": 2, "sender_email": "s1@mail.example"} for email in twins],
        )


def webhooks(chance: random.Random) -> Iterator[tuple[bytes, datetime]]:
    """Yields bookings with one attendee or two, and what becomes of them; some attendees have no address."""
    for number in range(1, 71):
        uid, emails = f"uid{number}", chance.sample(LEADS, chance.choice([1, 1, 1, 2]))
        booked = MONDAY + timedelta(hours=chance.randrange(24 * 7))
        start = booked + timedelta(days=chance.randrange(1, 14))
        phone = chance.choice([None, "+31612345678", "+31612345679"])
        unnamed = [attendee("", f"Guest {number}", phone=phone)] if chance.random() < 0.15 else []
        about = payload(uid, number, start, [*emails, *unnamed], organizer=chance.choice([ANN, BEN]))
        yield body(chance.choice(["BOOKING_CREATED"] * 5 + ["BOOKING_REQUESTED"]), booked, about), booked
        later = booked + timedelta(hours=2)
        match chance.choice(["cancelled", "ended", "ended", "absent", "absent", "nothing"]):
            case "cancelled":
                yield body("BOOKING_CANCELLED", later, about), later
            case "ended" if start < NOW:
                yield ended_body(uid, number, start, emails, booked), start + timedelta(hours=1)
            case "absent" if start < NOW:
                at = start + timedelta(minutes=9)
                yield no_show_body(uid, at, emails[0], absent=chance.random() < 0.7), at
            case _:
                pass


async def play(scenario: CampaignScenario, chance: random.Random) -> None:
    await import_leads(scenario, chance)
    incoming = [
        IncomingEvent(
            account_id=scenario.account.account_id,
            workspace_id=scenario.workspace,
            body=content,
            received_at=at,
            origin=chance.choice(["webhook"] * 9 + ["simulation"]),
        )
        for content, at in webhooks(chance)
    ]
    chance.shuffle(incoming)
    async with transaction(scenario.engine) as tx:
        await store.insert_events(await driver_connection(tx), incoming)
    while await apply_pending(scenario.engine, scenario.workspace, scenario.clock, {}):
        pass
    scenario.now = NOW
    for number in chance.sample(range(1, 71), 50):
        outcome = chance.choice(["showed", "no_show", "host_absent", "rescheduled"])
        await scenario.execute(OutcomeReported(subject=f"uid:uid{number}", outcome=outcome))
    for attendee_key, lead, subject in chance.sample(await matched(scenario), 6):
        await scenario.execute(MatchUndone(subject=subject, attendee=attendee_key, lead=lead))
    for number in chance.sample(range(1, 71), 25):
        change = DealChange(status="won", amount=Decimal(number), currency="EUR")
        await scenario.execute(DealChanged(subject=f"uid:uid{number}", change=change))
    first, second, third, fourth, fifth, *_ = chance.sample(LEADS[2:], 8)
    for gone, stays in ((first, second), (second, third), TWINS):
        await scenario.execute(Merged(kind="people", gone=gone, stays=stays))
    undone = await scenario.execute(Merged(kind="people", gone=fourth, stays=fifth))
    await scenario.execute(MergeUndone(merge=undone.event_ids[0]))


async def matched(scenario: CampaignScenario) -> list[tuple[Any, ...]]:
    """Returns the attendee, the lead and the booking of each match."""
    return await scenario.rows(
        """
        SELECT m.attendee, m.lead_email, 'uid:' || b.calcom_uid FROM matches m JOIN bookings b ON b.id = m.booking_id
        WHERE m.workspace_id = $1 AND m.state = 'matched' ORDER BY b.calcom_uid, m.attendee
        """
    )


def numbers(counts: Counts) -> Counter[str]:
    split = {name: getattr(counts.outcomes, name) for name in counts.outcomes.__struct_fields__}
    held = {"held": counts.held.showed, "missed": counts.held.no_show, "open": counts.held.open}
    return +Counter({"booked": counts.booked, **split, **held})


async def plain_mails(
    tx: AsyncConnection, wanted: FunnelFilter, keys: Sequence[Dimension], params: dict[str, Any]
) -> dict[tuple[Any, ...], Counter[str]]:
    """Returns mails and answers counted from the rows of leads in campaigns; none where an organizer is chosen."""
    found: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for query in () if wanted.organizers or "organizer" in keys else (mails_query, people_query):
        for row in (await tx.execute(text(query(wanted, keys)), params)).mappings():
            key = () if row["is_total"] else tuple(row[name] for name in keys)
            found[key].update({name: row[name] for name in MAILS if name in row})
    return found


@pytest.mark.parametrize("seed", [1, 2])
async def test_sums_count_as_a_plain_count_does(scenario: CampaignScenario, seed: int) -> None:
    await play(scenario, random.Random(seed))  # noqa: S311  # generated data, no secret
    compared: Counter[str] = Counter()
    async with transaction(scenario.engine) as tx:
        campaigns = list(
            await tx.scalars(text("SELECT id FROM campaigns WHERE workspace_id = :w"), {"w": scenario.workspace})
        )
        for place, (dimensions, filters) in enumerate(QUESTIONS):
            chosen = {"campaign_ids": campaigns[: filters.get("campaigns", 0)]}
            chosen |= {name: value for name, value in filters.items() if name != "campaigns"}
            wanted = FunnelFilter(workspace_id=scenario.workspace, **chosen)
            # A week before, more meetings are ahead, among them some that were reported too early.
            now = NOW - timedelta(days=6 * (place % 2), hours=3)
            compared += await compare_funnels(tx, wanted, dimensions, now)
        await compare_meetings(tx, scenario.workspace)
    few = {name: compared[name] for name in (*LISTED, "unmatched", "won") if compared[name] < 5}
    assert not few, "too little happened to compare"
    assert await scenario.rebuild_differences() == []


async def compare_funnels(
    tx: AsyncConnection, wanted: FunnelFilter, dimensions: Sequence[Dimension], now: datetime
) -> Counter[str]:
    """Compares one funnel with plain counts; returns what it has counted."""
    assert wanted.workspace_id is not None
    keys, question = keys_of(dimensions), (dimensions, wanted)
    funnel = await read_funnel(tx, wanted, dimensions, now)
    params = wanted.params(now) | await merged_leads(tx, wanted.workspace_id)
    plain, mails = await count_people(tx, wanted, keys, now), await plain_mails(tx, wanted, keys, params)
    assert numbers(funnel.total.counts) == plain[()], question
    found = {group.key: numbers(group.counts) for group in funnel.groups}
    expected = {key: counts for key, counts in plain.items() if key and counts}
    assert {key: counts for key, counts in found.items() if counts} == expected, question
    for group in (funnel.total, *funnel.groups) if mails else ():
        answered = Counter({name: getattr(group.counts, name) for name in MAILS})
        assert +answered == +mails[group.key], (question, group.key)
    if wanted.has_period and not wanted.organizers:
        expected_undated = (await tx.execute(text(undated_query(wanted)), params)).mappings().one()
        assert await undated(tx, wanted, now) == dict(expected_undated), question
    unmatched = await compare_unmatched(tx, wanted, now) if keys and wanted.has_others(keys) else 0
    return plain[()] + Counter(won=await compare_deals(tx, wanted, keys, funnel), unmatched=unmatched)


async def compare_deals(tx: AsyncConnection, wanted: FunnelFilter, keys: Sequence[Dimension], funnel: Funnel) -> int:
    """Compares won deals with a plain count; returns how many groups have some."""
    groups = (funnel.total, *funnel.groups)
    won = {group.key: (group.deals.won, group.deals.value["EUR"]) for group in groups if group.deals.won}
    assert won == await count_deals(tx, wanted, keys), (keys, wanted)
    return len(won)


async def compare_unmatched(tx: AsyncConnection, wanted: FunnelFilter, now: datetime) -> int:
    """Compares the lists of people whom no campaign brought with a plain count; returns how many booked."""
    plain = await count_unmatched(tx, wanted, now)
    permission = Permission(actor="key:ops", scope="read", workspace_id=wanted.workspace_id)
    for name in LISTED:
        filters = CountedLeads(wanted=replace(wanted, sources=["unknown"]), counted=[name], now=now)
        assert (await count_leads_who_booked(tx, permission, filters, 1_000)).number == plain[name], name
        both = replace(filters, counted=["booked", name])
        page = await list_leads_who_booked(tx, permission, both, PageRequest(sort="at", limit=200))
        assert (await count_leads_who_booked(tx, permission, both, 1_000)).number == len(page.items), name
        page = await list_leads_who_booked(tx, permission, filters, PageRequest(sort="-at", limit=200))
        assert len(page.items) == plain[name]
        assert all(one["name"] and one["campaign"] is None for one in page.items)
    return plain["booked"]


async def compare_meetings(tx: AsyncConnection, workspace_id: UUID) -> None:
    """Compares the statistics of meetings, and a client's bookings, with plain counts."""
    permission = Permission(actor="key:ops", scope="read", workspace_id=workspace_id)
    for since, until in ((None, None), (WEEKS["since"], WEEKS["until"]), (SINCE, None), (None, UNTIL), (SINCE, UNTIL)):
        for now in (NOW, NOW - timedelta(days=6)):
            found = await count_meetings(tx, permission, since, until, now, "false")
            assert found == await plain_meetings(tx, workspace_id, since, until, now)
        rows = await client_bookings(tx, workspace_id, booked_from=since, booked_before=until, now=NOW)
        seats = rows["bookings"]
        assert rows["summary"]["total_bookings"] == len(seats)
        assert rows["summary"]["total_shows"] == sum(one["showed_up"] is True for one in seats)
        assert rows["summary"]["total_no_shows"] == sum(one["showed_up"] is False for one in seats)
