"""CA1, CA5: the times of single mails are read for each lead, those who answered first; the funnel uses them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from showup.destinations.emailbison.objects import SentEmail
from showup.sources.emailbison.mails import read_mails
from tests.campaigns.funnel_client import get
from tests.destinations.fake_vendors.emailbison import FakeEmailBison
from tests.lead_sync.conftest import AGENCIES, FOUNDERS
from tests.lead_sync.scenario import KEY, NOON, LeadSyncScenario

DAY = timedelta(days=1)
EVA, TOM = "eva@mail.example", "Tom@mail.example"


async def mails(bison: LeadSyncScenario) -> dict[tuple[str, int], tuple[Any, ...]]:
    """Returns the first and the last mail of each lead in each campaign, the step and the sender."""
    rows = await bison.rows(
        """
        SELECT l.email, m.campaign_id, m.first_sent_at, m.last_sent_at, m.step, m.sender_email
        FROM campaign_leads m JOIN leads l ON l.id = m.lead_id WHERE m.workspace_id = $1
        """
    )
    return {(row[0], row[1]): row[2:] for row in rows}


def asked_of_mails(bison: LeadSyncScenario) -> list[int]:
    """Returns the leads whose mails Showup asked for since the last look, in this order."""
    paths = [one.split("/") for one in bison.asked() if one.endswith("/sent-emails")]
    return [int(parts[-2]) for parts in paths]


async def test_each_campaign_knows_its_first_and_last_mail_the_answered_one_and_its_sender(
    bison: LeadSyncScenario, fake: FakeEmailBison
) -> None:
    ann, bea = fake.workspace.add_lead("ann@acme.example"), fake.workspace.add_lead("bea@acme.example")
    fake.workspace.send(ann, FOUNDERS, NOON - 9 * DAY, EVA)
    fake.workspace.send(ann, FOUNDERS, NOON - 6 * DAY, TOM, replies=1, interested=True)
    fake.workspace.send(ann, FOUNDERS, NOON - 5 * DAY, EVA)
    fake.workspace.send(ann, FOUNDERS, None, EVA)
    fake.workspace.send(ann, AGENCIES, NOON - 2 * DAY, TOM)
    # EmailBison counts an automatic answer with the mail, and marks it with the reply.
    fake.workspace.send(bea, FOUNDERS, NOON - 3 * DAY, EVA, replies=1)
    fake.workspace.reply(ann, FOUNDERS, NOON - 5 * DAY, interested=True)
    fake.workspace.reply(bea, FOUNDERS, NOON - 3 * DAY, automated=True)
    fake.workspace.leads[bea.id].campaigns[FOUNDERS].replies = 0
    fake.workspace.leads[bea.id].campaigns[FOUNDERS].status = "in_sequence"
    await bison.sync()
    assert await mails(bison) == {
        ("ann@acme.example", FOUNDERS): (NOON - 9 * DAY, NOON - 5 * DAY, 2, TOM.lower()),
        ("ann@acme.example", AGENCIES): (NOON - 2 * DAY, NOON - 2 * DAY, None, TOM.lower()),
        ("bea@acme.example", FOUNDERS): (NOON - 3 * DAY, NOON - 3 * DAY, None, EVA),
    }


async def test_one_request_says_which_mail_and_sender_of_emailbison_brought_the_deals_of_the_quarter(
    bison: LeadSyncScenario, fake: FakeEmailBison
) -> None:
    ann = fake.workspace.add_lead("ann@acme.example")
    fake.workspace.send(ann, FOUNDERS, datetime(2026, 6, 28, 8, tzinfo=UTC), EVA)
    fake.workspace.send(ann, FOUNDERS, datetime(2026, 7, 2, 8, tzinfo=UTC), EVA, replies=1, interested=True)
    fake.workspace.send(ann, FOUNDERS, datetime(2026, 7, 6, 8, tzinfo=UTC), TOM)
    fake.workspace.reply(ann, FOUNDERS, datetime(2026, 7, 7, 8, tzinfo=UTC), interested=True)
    await bison.sync()
    await bison.book("one", "ann@acme.example")
    bison.web.headers["Authorization"] = f"Bearer {KEY}"
    (booking,) = (await get(bison.web, "/api/bookings", uid="one"))["items"]
    change = {"status": "won", "amount": 18_000, "currency": "EUR"}
    assert (await bison.web.patch(f"/api/deals/{booking['deal_id']}", json=change)).status_code == 200
    groups, quarter = "campaign,step,sender", {"from": "2026-07-01", "to": "2026-10-01"}
    first, *_ = (await get(bison.web, "/api/funnel", group_by=groups, **quarter))["items"]
    assert (first["group"]["campaign"]["name"], first["group"]["step"], first["group"]["sender"]) == (
        "Founders NL",
        2,
        EVA,
    )
    assert first["deals"] == {"won": 1, "value": {"EUR": 18_000.0}}
    # The first mail went out before the quarter, so this cohort does not have the lead.
    cohort = await get(bison.web, "/api/funnel", group_by=groups, basis="cohort", **quarter)
    assert (cohort["deals"]["won"], cohort["undated"]["sent"]) == (0, 0)
    earlier = await get(bison.web, "/api/funnel", basis="cohort", **{"from": "2026-06-01", "to": "2026-07-01"})
    assert (earlier["sent"], earlier["deals"]["won"]) == (3, 1)


async def test_those_who_answered_come_first_then_those_who_booked(
    bison: LeadSyncScenario, fake: FakeEmailBison
) -> None:
    leads = [fake.workspace.add_lead(f"lead{number}@acme.example", [FOUNDERS]) for number in range(30)]
    for one in (leads[7], leads[21]):
        fake.workspace.send(one, FOUNDERS, NOON - 2 * DAY, EVA)
    fake.workspace.reply(leads[7], FOUNDERS, NOON - DAY)
    fake.workspace.reply(leads[21], FOUNDERS, NOON - DAY, interested=True)
    await bison.book("one", "lead13@acme.example")
    await bison.sync()
    asked = asked_of_mails(bison)
    assert asked[:3] == [leads[21].id, leads[7].id, leads[13].id]
    assert sorted(asked) == [one.id for one in leads]


async def test_they_are_read_again_only_after_a_mail_or_an_answer(
    bison: LeadSyncScenario, fake: FakeEmailBison
) -> None:
    ann, bea = (fake.workspace.add_lead(f"{name}@acme.example") for name in ("ann", "bea"))
    for lead in (ann, bea):
        fake.workspace.send(lead, FOUNDERS, NOON - 3 * DAY, EVA)
    await bison.sync()
    assert sorted(asked_of_mails(bison)) == [ann.id, bea.id]
    await bison.wait(minutes=15)
    await bison.sync()
    assert asked_of_mails(bison) == []
    ann.mails[0].replies = 1
    fake.workspace.reply(ann, FOUNDERS, NOON, interested=True)
    fake.workspace.send(bea, FOUNDERS, NOON + DAY, EVA)
    await bison.wait(days=2)
    await bison.sync()
    assert sorted(asked_of_mails(bison)) == [ann.id, bea.id]
    found = await mails(bison)
    assert found["ann@acme.example", FOUNDERS] == (NOON - 3 * DAY, NOON - 3 * DAY, 1, EVA)
    assert found["bea@acme.example", FOUNDERS] == (NOON - 3 * DAY, NOON + DAY, None, EVA)


async def test_an_interrupted_run_reads_no_mails_twice(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    leads = [fake.workspace.add_lead(f"lead{number}@acme.example", [FOUNDERS]) for number in range(30)]
    before_mails = 9
    fake.faults.queue(*[None] * (before_mails + 10), "reset")
    await bison.sync()
    first = asked_of_mails(bison)
    assert 0 < len(first) < len(leads)
    await bison.wait(minutes=2)
    await bison.sync()
    second = asked_of_mails(bison)
    assert {*first, *second} == {one.id for one in leads}
    assert len(first) + len(second) <= len(leads) + 4, "only the calls that were under way with the failed one"


async def test_a_long_list_is_read_in_parts(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    def look() -> datetime:
        bison.time.now += timedelta(seconds=2)
        return bison.time.now

    for number in range(200):
        fake.workspace.add_lead(f"lead{number}@acme.example", [FOUNDERS])
    parts = []
    while sum(parts) < 200:
        await bison.importer(look).poll_due()
        parts.append(len(asked_of_mails(bison)))
        await bison.wait(minutes=1)
        assert len(parts) < 20
    assert sum(parts) == 200
    assert len(parts) > 2


async def test_a_sync_that_a_person_waits_for_leaves_leads_without_an_answer_to_the_next_one(
    bison: LeadSyncScenario, fake: FakeEmailBison
) -> None:
    ann, _ = (fake.workspace.add_lead(f"{name}@acme.example", [FOUNDERS]) for name in ("ann", "bea"))
    fake.workspace.send(ann, FOUNDERS, NOON - 2 * DAY, EVA)
    fake.workspace.reply(ann, FOUNDERS, NOON - DAY)
    importer = bison.importer()
    (source,) = await importer.sources()
    await importer.sync_now(source, full=False, report_progress=lambda _: None)
    assert asked_of_mails(bison) == [ann.id]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([{"sent_at": None}, {"campaign_id": None, "sent_at": "2026-09-01T08:00:00Z"}], []),
        ([{"sent_at": "0001-01-01T00:00:00+14:00"}], []),
        (
            [
                {"sent_at": "2026-09-03T08:00:00Z", "replies": "2", "sender_email_id": 3},
                {"sent_at": "2026-09-01T08:00:00", "sender_email_id": 4},
                {"sent_at": "2026-09-05T08:00:00+02:00", "interested": 1, "sender_email_id": "5"},
            ],
            [(3, datetime(2026, 9, 1, 8, tzinfo=UTC), datetime(2026, 9, 5, 6, tzinfo=UTC), 3, 5, 5)],
        ),
    ],
)
def test_mails_are_numbered_as_they_were_sent(values: list[dict[str, Any]], expected: list[tuple[Any, ...]]) -> None:
    sent = [msgspec.convert({"campaign_id": 101} | one, SentEmail, strict=False) for one in values]
    found = read_mails(sent)
    assert [msgspec.structs.astuple(one)[1:] for one in found] == expected
    assert all(one.campaign_id == 101 for one in found)
