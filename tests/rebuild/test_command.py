"""The command `showup rebuild` (PI10)."""

import asyncio
from pathlib import Path

import pytest

from showup.database.engine import connect
from tests.cli.conftest import Showup
from tests.rebuild.conftest import change_tables, load_sample_week


async def prepare(url: str, *statements: str) -> None:
    engine = connect(url)
    await load_sample_week(engine)
    for statement in statements:
        await change_tables(engine, statement)
    await engine.dispose()


def test_a_healthy_database_shows_no_difference(showup: Showup, database_url: str) -> None:
    asyncio.run(prepare(database_url))
    output = showup("rebuild")
    assert (output.code, output.error) == (0, "")
    assert output.out.splitlines() == ["Replayed 9 events.", "No differences."]


def test_a_difference_is_printed_and_sets_the_exit_code(showup: Showup, database_url: str) -> None:
    asyncio.run(prepare(database_url, "UPDATE deals SET stage = 'negotiation' WHERE status = 'active'"))
    output = showup("rebuild", "--check")
    assert output.code == 1
    assert "deal 1 of acme.example" in output.out
    assert "negotiation" in output.out
    differences = showup("rebuild", "--check", "--json").json
    assert [one["columns"] for one in differences["differences"]] == [{"stage": ["negotiation", "met"]}]
    assert differences["differing"] == 1


def test_differences_are_repaired(showup: Showup, database_url: str) -> None:
    asyncio.run(prepare(database_url, "UPDATE bookings SET title = 'Something else'"))
    output = showup("rebuild", "--apply")
    assert output.code == 0, output.error
    assert "4 rows were repaired" in output.out
    assert showup("rebuild", "--check").code == 0


def test_rules_of_a_file_are_tried_and_not_saved(showup: Showup, database_url: str, tmp_path: Path) -> None:
    asyncio.run(prepare(database_url))
    (tmp_path / "tried.toml").write_text('[pipeline]\nteam_domains = ["globex.example"]\n[reminders]\n')
    output = showup("rebuild", "--rules", "tried.toml", "--json")
    assert output.code == 0, output.error
    assert ("people", "extra", "lee@globex.example") in {
        (one["table"], one["kind"], one["row"]) for one in output.json["differences"]
    }
    assert showup("rebuild").code == 0


def test_delivery_rules_can_be_tried(showup: Showup, database_url: str, tmp_path: Path) -> None:
    """TE1, TE11: rules from the tables [email] and [no_show_follow_up] of the file."""
    asyncio.run(prepare(database_url))
    (tmp_path / "tried.toml").write_text("[email]\nguests = true\n[no_show_follow_up]\nenabled = true\nafter = '3h'\n")
    output = showup("rebuild", "--rules", "tried.toml", "--json")
    assert output.code == 0, output.error
    kinds = {one["row"].split()[0] for one in output.json["differences"] if one["table"] == "deliveries"}
    assert kinds >= {"no_show"}, output.json["differences"]


def test_an_earlier_time_is_shown(showup: Showup, database_url: str) -> None:
    asyncio.run(prepare(database_url))
    output = showup("rebuild", "--as-of", "2026-09-07", "--json")
    assert output.code == 0, output.error
    assert output.json["events"] == 0
    assert {one["replayed"] for one in output.json["counts"]} == {0}
    assert "then" in showup("rebuild", "--as-of", "2026-09-07").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check", "--apply"], "Use only one of"),
        (["--as-of", "yesterday"], "2026-11-21T09:30Z"),
        (["--workspace", "nowhere"], "workspaces list"),
        (["--rules", "missing.toml"], "missing.toml"),
        (["--rules", "empty.toml"], "contains no rules"),
        (["--rules", "broken.toml"], "TOML"),
        (["--rules", "wrong.toml"], "pipeline.cancel_deal"),
    ],
)
def test_invalid_options_are_refused_with_a_message(
    ready: Showup, tmp_path: Path, arguments: list[str], message: str
) -> None:
    (tmp_path / "empty.toml").write_text("[pipeline]\n")
    (tmp_path / "broken.toml").write_text("[pipeline\n")
    (tmp_path / "wrong.toml").write_text('[pipeline]\ncancel_deal = "never"\n')
    output = ready("rebuild", *arguments)
    assert (output.code, output.out) == (1, "")
    assert message in output.error
    assert "Traceback" not in output.error
