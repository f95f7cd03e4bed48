"""`showup calcom backfill`: history comes in, and the command says how much (IN8)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.calcom_far.rows import Guest
from tests.calcom_far.server import FarCalcom
from tests.calcom_far.world import World
from tests.commands.conftest import Showup


@pytest.fixture
def far() -> Iterator[FarCalcom]:
    """A Cal.com with three bookings of the past."""
    world = World(seed=5)
    kind = world.add_event_type("call", owner=world.add_user("Hana Host", "hana@sellers.example"))
    for number in range(3):
        world.book(
            kind, Guest("Ann", f"ann{number}@acme.example"), start_at=world.clock() + timedelta(hours=5 + number)
        )
    world.advance(timedelta(days=2))
    with FarCalcom(world) as far:
        yield far


def variables(far: FarCalcom) -> dict[str, str]:
    return {"CALCOM_API_KEY": far.key, "CALCOM_API_URL": far.url}


def test_history_comes_in_once(ready: Showup, far: FarCalcom) -> None:
    span = ("--from", "2026-11-01", "--to", "2026-11-10")
    said = ready("calcom", "backfill", *span, **variables(far))
    assert said.out == "default: looked at 3 bookings: 3 created, 3 ended.\n", said.error
    again = ready("calcom", "backfill", *span, "--json", **variables(far))
    assert again.json == {"default": {"looked_at": 3, "healed": {}}}


def test_a_span_without_bookings_has_none(ready: Showup, far: FarCalcom) -> None:
    said = ready("calcom", "backfill", "--from", "2026-10-01", "--to", "2026-10-31", **variables(far))
    assert said.out == "default: looked at 0 bookings: nothing was missing.\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--from", "yesterday"), "--from 'yesterday' is no day such as 2026-11-21."),
        (("--from", "2026-11-10", "--to", "2026-11-09"), "--to is before --from."),
        (("--from", "2026-11-01", "--account", "other"), "There is no account 'other' with an API key"),
    ],
)
def test_what_can_not_be_asked_for_is_refused(
    ready: Showup, far: FarCalcom, arguments: tuple[str, ...], sentence: str
) -> None:
    said = ready("calcom", "backfill", *arguments, **variables(far))
    assert said.code == 1
    assert sentence in said.error


def test_without_a_key_it_says_what_to_set(ready: Showup) -> None:
    said = ready("calcom", "backfill", "--from", "2026-11-01")
    assert (said.code, "set CALCOM_API_KEY" in said.error) == (1, True)


def test_a_key_that_is_refused_is_said(ready: Showup, far: FarCalcom) -> None:
    given = variables(far) | {"CALCOM_API_KEY": "cal_live_of_somebody_else"}
    said = ready("calcom", "backfill", "--from", "2026-11-01", **given)
    assert said.code == 1
    assert said.error.startswith("default: ")
    assert said.error.endswith("The same command goes on from there.\n")
