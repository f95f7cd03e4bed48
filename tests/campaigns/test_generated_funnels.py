"""CA4, CA5: the query of the funnel counts as a plain count of people does, whatever happened to them."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from showup.campaigns.funnel import Counts
from showup.database.engine import driver_connection, transaction
from showup.events.booking import OutcomeReported
from showup.events.workspace import Merged
from showup.inbox import store
from showup.inbox.apply import apply_pending
from showup.inbox.inbox_event import IncomingEvent
from showup.reads.funnel import read_funnel
from showup.reads.funnel_filter import FunnelFilter, keys_of
from tests.campaigns.plain_funnel import count_people
from tests.campaigns.scenario import CampaignScenario
from tests.histories.webhooks import ANN, BEN, MONDAY, body, ended_body, no_show_body, payload

NOW = MONDAY + timedelta(days=14)
SINCE, UNTIL = MONDAY + timedelta(days=5), MONDAY + timedelta(days=9)
PERIOD: dict[str, Any] = {"since": SINCE, "until": UNTIL}
LEADS = [f"lead{number}@firm{number % 9}.example" for number in range(24)]
CAMPAIGNS = ("One", "Two", "Three")
QUESTIONS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((), {}),
    (("campaign",), {}),
    (("campaign", "step", "sender"), PERIOD),
    (("organizer",), PERIOD),
    (("step",), {"organizers": [ANN.email]}),
    (("sender", "organizer"), {"since": SINCE, "basis": "cohort"}),
    (("source", "workspace"), {"until": UNTIL, "sources": ["csv"]}),
    (("campaign",), {"simulated": "all", **PERIOD}),
]


async def import_leads(scenario: CampaignScenario, chance: random.Random) -> None:
    for campaign in CAMPAIGNS:
        members = chance.sample(LEADS, 14)
        await scenario.import_rows(
            campaign,
            [
                {
                    "email": email,
                    "emails_sent": chance.randrange(4),
                    "last_sent_at": (MONDAY - timedelta(hours=chance.randrange(1, 200))).isoformat(),
                    "interested": chance.choice(["true", "false"]),
                    "sender_email": chance.choice(["s1@mail.example", "s2@mail.example", ""]),
                }
                for email in members
            ],
        )


def webhooks(chance: random.Random) -> Iterator[tuple[bytes, datetime]]:
    """Yields bookings with one attendee or two, and what becomes of them."""
    for number in range(1, 71):
        uid, emails = f"uid{number}", chance.sample(LEADS, chance.choice([1, 1, 1, 2]))
        booked = MONDAY + timedelta(hours=chance.randrange(24 * 7))
        start = booked + timedelta(days=chance.randrange(1, 14))
        about = payload(uid, number, start, emails, organizer=chance.choice([ANN, BEN]))
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
            account_id=scenario.account.account_id, workspace_id=scenario.workspace, body=content, received_at=at
        )
        for content, at in webhooks(chance)
    ]
    chance.shuffle(incoming)
    async with transaction(scenario.engine) as tx:
        await store.insert_events(await driver_connection(tx), incoming)
    while await apply_pending(scenario.engine, scenario.workspace, scenario.clock, {}):
        pass
    scenario.now = NOW
    for number in chance.sample(range(1, 71), 25):
        outcome = chance.choice(["showed", "no_show", "host_absent", "rescheduled"])
        await scenario.execute(OutcomeReported(subject=f"uid:uid{number}", outcome=outcome))
    first, second, third, *_ = chance.sample(LEADS, 8)
    for gone, stays in ((first, second), (second, third)):
        await scenario.execute(Merged(kind="people", gone=gone, stays=stays))


def numbers(counts: Counts) -> Counter[str]:
    split = {name: getattr(counts.outcomes, name) for name in counts.outcomes.__struct_fields__}
    held = {"held": counts.held.showed, "missed": counts.held.no_show, "open": counts.held.open}
    return +Counter({"booked": counts.booked, **split, **held})


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_query_counts_as_a_plain_count_does(scenario: CampaignScenario, seed: int) -> None:
    await play(scenario, random.Random(seed))  # noqa: S311  # generated data, no secret
    async with transaction(scenario.engine) as tx:
        for dimensions, filters in QUESTIONS:
            wanted = FunnelFilter(workspace_id=scenario.workspace, **filters)
            funnel = await read_funnel(tx, wanted, dimensions, NOW)
            plain = await count_people(tx, wanted, keys_of(dimensions), NOW)
            assert numbers(funnel.total.counts) == plain[()]
            found = {group.key: numbers(group.counts) for group in funnel.groups}
            expected = {key: counts for key, counts in plain.items() if key and counts}
            assert {key: counts for key, counts in found.items() if counts} == expected, (dimensions, filters)
    assert plain[()]["booked"] >= 10, "too little happened to compare"
    assert await scenario.rebuild_differences() == []
