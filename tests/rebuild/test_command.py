"""`showup rebuild`, as a person gives it (PI10)."""

import asyncio
from pathlib import Path

import pytest

from showup.database.engine import connect
from tests.commands.conftest import Showup
from tests.rebuild.conftest import damage, told


async def prepared(url: str, *statements: str) -> None:
    engine = connect(url)
    await told(engine)
    for statement in statements:
        await damage(engine, statement)
    await engine.dispose()


def test_a_healthy_database_shows_no_difference(showup: Showup, database_url: str) -> None:
    asyncio.run(prepared(database_url))
    said = showup("rebuild")
    assert (said.code, said.error) == (0, "")
    assert said.out.splitlines() == ["Folded 9 events.", "No difference."]


def test_a_difference_is_told_in_words_and_by_the_exit_code(showup: Showup, database_url: str) -> None:
    asyncio.run(prepared(database_url, "UPDATE deals SET stage = 'negotiation' WHERE status = 'active'"))
    said = showup("rebuild", "--check")
    assert said.code == 1
    assert "deal 1 of acme.example" in said.out
    assert "negotiation" in said.out
    found = showup("rebuild", "--check", "--json").json
    assert [one["columns"] for one in found["differences"]] == [{"stage": ["negotiation", "met"]}]
    assert found["differing"] == 1


def test_what_differs_is_put_right(showup: Showup, database_url: str) -> None:
    asyncio.run(prepared(database_url, "UPDATE bookings SET title = 'Something else'"))
    said = showup("rebuild", "--apply")
    assert said.code == 0, said.error
    assert "4 rows were put right" in said.out
    assert showup("rebuild", "--check").code == 0


def test_rules_of_a_file_are_tried_and_not_kept(showup: Showup, database_url: str, tmp_path: Path) -> None:
    asyncio.run(prepared(database_url))
    (tmp_path / "tried.toml").write_text('[pipeline]\nteam_domains = ["globex.example"]\n[reminders]\n')
    found = showup("rebuild", "--rules", "tried.toml", "--json")
    assert found.code == 0, found.error
    assert ("people", "extra", "lee@globex.example") in {
        (one["table"], one["kind"], one["which"]) for one in found.json["differences"]
    }
    assert showup("rebuild").code == 0


def test_who_is_told_is_a_rule_to_try_too(showup: Showup, database_url: str, tmp_path: Path) -> None:
    """TE1, TE11: rules that the file has in other tables, under other names."""
    asyncio.run(prepared(database_url))
    (tmp_path / "tried.toml").write_text("[email]\nguests = true\n[no_show_follow_up]\nenabled = true\nafter = '3h'\n")
    found = showup("rebuild", "--rules", "tried.toml", "--json")
    assert found.code == 0, found.error
    kinds = {one["which"].split()[0] for one in found.json["differences"] if one["table"] == "deliveries"}
    assert kinds >= {"follow_up"}, found.json["differences"]


def test_an_earlier_moment_is_shown(showup: Showup, database_url: str) -> None:
    asyncio.run(prepared(database_url))
    found = showup("rebuild", "--as-of", "2026-09-07", "--json")
    assert found.code == 0, found.error
    assert found.json["events"] == 0
    assert {one["folded"] for one in found.json["counts"]} == {0}
    assert "then" in showup("rebuild", "--as-of", "2026-09-07").out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--check", "--apply"], "Give one of"),
        (["--as-of", "yesterday"], "2026-11-21T09:30Z"),
        (["--workspace", "nowhere"], "workspaces list"),
        (["--rules", "missing.toml"], "missing.toml"),
        (["--rules", "empty.toml"], "names no rule"),
        (["--rules", "broken.toml"], "TOML"),
        (["--rules", "wrong.toml"], "pipeline.cancel_deal"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(
    ready: Showup, tmp_path: Path, arguments: list[str], says: str
) -> None:
    (tmp_path / "empty.toml").write_text("[pipeline]\n")
    (tmp_path / "broken.toml").write_text("[pipeline\n")
    (tmp_path / "wrong.toml").write_text('[pipeline]\ncancel_deal = "never"\n')
    said = ready("rebuild", *arguments)
    assert (said.code, said.out) == (1, "")
    assert says in said.error
    assert "Traceback" not in said.error
