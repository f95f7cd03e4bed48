"""`showup calcom backfill` imports past bookings and prints how many (IN8)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.cli.conftest import Showup
from tests.fake_calcom.rows import Guest
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World


@pytest.fixture
def fake_calcom() -> Iterator[FakeCalcom]:
    """A fake Cal.com with three past bookings."""
    world = World(seed=5)
    event_type = world.add_event_type("call", owner=world.add_user("Hana Host", "hana@sellers.example"))
    for number in range(3):
        world.book(
            event_type, Guest("Ann", f"ann{number}@acme.example"), start_at=world.clock() + timedelta(hours=5 + number)
        )
    world.move_by(timedelta(days=2))
    with FakeCalcom(world) as fake_calcom:
        yield fake_calcom


def variables(fake_calcom: FakeCalcom) -> dict[str, str]:
    return {"CALCOM_API_KEY": fake_calcom.key, "CALCOM_API_URL": fake_calcom.url}


def test_backfill_imports_history_once(ready: Showup, fake_calcom: FakeCalcom) -> None:
    span = ("--from", "2026-11-01", "--to", "2026-11-10")
    result = ready("calcom", "backfill", *span, **variables(fake_calcom))
    assert result.out == "default: checked 3 bookings: 3 created, 3 ended.\n", result.error
    again = ready("calcom", "backfill", *span, "--json", **variables(fake_calcom))
    assert again.json == {"default": {"checked": 3, "repaired": {}}}


def test_backfill_of_an_empty_period_imports_nothing(ready: Showup, fake_calcom: FakeCalcom) -> None:
    result = ready("calcom", "backfill", "--from", "2026-10-01", "--to", "2026-10-31", **variables(fake_calcom))
    assert result.out == "default: checked 0 bookings: no differences.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--from", "yesterday"), "--from 'yesterday' is not a date. Use the form 2026-11-21."),
        (("--from", "2026-11-10", "--to", "2026-11-09"), "--to is before --from."),
        (("--from", "2026-11-01", "--account", "other"), "There is no account 'other' with an API key"),
    ],
)
def test_invalid_backfill_arguments_are_refused(
    ready: Showup, fake_calcom: FakeCalcom, arguments: tuple[str, ...], sentence: str
) -> None:
    result = ready("calcom", "backfill", *arguments, **variables(fake_calcom))
    assert result.code == 1
    assert sentence in result.error


def test_backfill_without_an_api_key_names_the_setting(ready: Showup) -> None:
    result = ready("calcom", "backfill", "--from", "2026-11-01")
    assert (result.code, "Set CALCOM_API_KEY" in result.error) == (1, True)


def test_a_rejected_api_key_is_reported(ready: Showup, fake_calcom: FakeCalcom) -> None:
    wrong_key = variables(fake_calcom) | {"CALCOM_API_KEY": "cal_live_of_somebody_else"}
    result = ready("calcom", "backfill", "--from", "2026-11-01", **wrong_key)
    assert result.code == 1
    assert result.error.startswith("default: ")
    assert result.error.endswith("To continue, run the same command again.\n")
