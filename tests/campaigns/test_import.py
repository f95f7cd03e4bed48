"""CA1: an import ends as expected, is repeatable without duplicates, and continues where it stopped."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from showup.campaigns.campaign import FIRST_OWN_ID
from showup.campaigns.imports_store import ImportTaken, LeadImport
from showup.campaigns.leads_store import lock_leads
from showup.database.engine import driver_connection, transaction
from showup.inbox.apply import lock_pipeline
from tests.campaigns.scenario import CampaignScenario
from tests.campaigns.test_exports import EXPORTS, FOLDER, expected_of
from tests.histories.table_contents import new_account
from tests.locks import wait_until_blocking

_LEADS = """
    SELECT l.email, l.first_name, l.last_name, l.company, coalesce(l.other_emails, '{}') AS other_emails,
           c.name AS campaign, m.import_line AS line, m.sent, m.replied, m.interested, m.bounced, m.unsubscribed
    FROM leads l JOIN campaign_leads m ON m.lead_id = l.id
    JOIN campaigns c ON c.workspace_id = m.workspace_id AND c.id = m.campaign_id
    WHERE l.workspace_id = $1 ORDER BY m.import_line
"""
_SIGNALS = ("sent", "replied", "interested", "bounced", "unsubscribed")


async def import_export(scenario: CampaignScenario, name: str, **options: Any) -> LeadImport:
    stated = expected_of(name)["options"]
    return await scenario.import_file(FOLDER / f"{name}.csv", stated["campaign"], stated.get("map"), **options)


async def stored_leads(scenario: CampaignScenario) -> list[dict[str, Any]]:
    leads = []
    for row in await scenario.rows(_LEADS):
        names = ("email", "first_name", "last_name", "company", "other_emails", "campaign", "line", *_SIGNALS)
        lead = dict(zip(names, row, strict=True))
        signals = {key: value for key in _SIGNALS if (value := lead.pop(key)) is not None}
        leads.append(
            {key: value for key, value in lead.items() if value != []} | ({"signals": signals} if signals else {})
        )
    return leads


def expected_leads(name: str) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in one.items() if key not in ("match_key", "also_right")}
        for one in expected_of(name)["accepted"]
    ]


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("batch_rows", [1, 5_000])
async def test_an_export_is_imported_as_expected_and_only_once(
    scenario: CampaignScenario, name: str, batch_rows: int
) -> None:
    expected = expected_of(name)
    report = await import_export(scenario, name, batch_rows=batch_rows)
    assert await stored_leads(scenario) == expected_leads(name)
    assert [{"line": one.line, "reason": one.reason} for one in report.rejected_rows] == expected["rejected"]
    assert [{"line": one.line, "of_line": one.of_line} for one in report.repeated_rows] == expected["duplicates"]
    counts = expected["counts"]
    assert (report.accepted, sum(report.rejected.values()), report.repeated, report.ignored) == (
        counts["accepted"],
        counts["rejected"],
        counts["duplicates"],
        counts["ignored_lines"],
    )
    assert await import_export(scenario, name) == report
    assert await stored_leads(scenario) == expected_leads(name)


class _Interrupted(Exception):
    pass


@pytest.mark.parametrize("name", EXPORTS)
async def test_an_interrupted_import_continues_without_a_duplicate(scenario: CampaignScenario, name: str) -> None:
    batches = 0

    def interrupt(_: LeadImport) -> None:
        nonlocal batches
        batches += 1
        if batches == 3:
            raise _Interrupted

    while True:
        batches = 0
        try:
            report = await import_export(scenario, name, batch_rows=1, on_progress=interrupt)
        except _Interrupted:
            continue
        break
    counts = expected_of(name)["counts"]
    assert (report.state, report.accepted, report.repeated) == ("done", counts["accepted"], counts["duplicates"])
    assert await stored_leads(scenario) == expected_leads(name)


async def test_two_processes_do_not_import_the_same_file_at_once(scenario: CampaignScenario) -> None:
    async def other_process(_: LeadImport) -> None:
        await import_export(scenario, EXPORTS[0])

    pending: list[Any] = []

    def start_other(progress: LeadImport) -> None:
        if not pending:
            pending.append(progress)

    report = await import_export(scenario, EXPORTS[0], batch_rows=4, on_progress=start_other)
    assert report.state == "done"
    # A process that still has an earlier position finds that another one has continued.
    async with scenario.engine.begin() as tx:
        driver = (await tx.get_raw_connection()).driver_connection
        from showup.campaigns import imports_store

        with pytest.raises(ImportTaken):
            await imports_store.add_batch(driver, pending[0], 9, imports_store.BatchReport())


async def test_a_file_without_any_lead_is_imported(scenario: CampaignScenario) -> None:
    report = await scenario.import_rows("Founders", [{"email": "none of them"}, {"email": "is valid"}])
    assert (report.state, report.accepted, report.rejected) == ("done", 0, {"invalid_email": 2})


async def test_another_campaign_is_another_import(scenario: CampaignScenario) -> None:
    path = FOLDER / "instantly_leads.csv"
    first = await scenario.import_file(path, "One")
    second = await scenario.import_file(path, "Two")
    assert (first.accepted, second.accepted) == (12, 12)
    ((leads,),) = await scenario.rows("SELECT count(*) FROM leads WHERE workspace_id = $1")
    assert leads == 12
    one, two = [row[0] for row in await scenario.rows("SELECT id FROM campaigns WHERE workspace_id = $1 ORDER BY id")]
    assert FIRST_OWN_ID <= one < two


async def test_an_import_that_hangs_gives_its_locks_back(scenario: CampaignScenario) -> None:
    """Its transaction also holds the lock of the workspace's pipeline, so no booking would be projected."""
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        await lock_leads(connection, scenario.workspace)
        assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "1min"
    async with transaction(scenario.engine) as tx:
        assert await (await driver_connection(tx)).fetchval("SHOW idle_in_transaction_session_timeout") == "0"


async def test_no_workspace_waits_for_the_pipeline_of_another(scenario: CampaignScenario) -> None:
    """An import that creates a campaign waits for its own workspace's pipeline only."""
    other = CampaignScenario(scenario.engine, await new_account(scenario.engine), scenario.folder)
    row = {"email": "a@x.example"}
    async with transaction(scenario.engine) as tx:
        connection = await driver_connection(tx)
        await lock_pipeline(connection, scenario.workspace)
        waiting = asyncio.create_task(scenario.import_rows("One", [row]))
        await wait_until_blocking(connection)
        async with asyncio.timeout(5):
            assert (await other.import_rows("Two", [row])).accepted == 1
    assert (await waiting).accepted == 1


async def test_signals_only_grow(scenario: CampaignScenario) -> None:
    rows = [
        {"email": "a@x.example", "emails_sent": 3, "replied": "true", "replied_at": "2026-09-03T10:00:00Z"},
        {"email": "a@x.example", "emails_sent": 1, "replied": "false", "replied_at": ""},
        {"email": "a@x.example", "emails_sent": 2, "replied": "", "replied_at": "2026-09-01T10:00:00Z"},
    ]
    for row in rows:
        await scenario.import_rows("Founders", [row])
    ((sent, replied, at),) = await scenario.rows(
        "SELECT sent, replied, replied_at FROM campaign_leads WHERE workspace_id = $1"
    )
    assert (sent, replied, f"{at:%Y-%m-%d}") == (3, True, "2026-09-01")


def test_the_expected_results_are_complete() -> None:
    assert len(EXPORTS) == len(list(FOLDER.glob("*.csv"))) == 6
    assert all(json.loads(path.read_text())["accepted"] for path in Path(FOLDER).glob("*.expected.json"))
