"""R2: what stands in the tables is what the reference model says must stand, after every step of a play."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import connect
from showup.deals.deal import DealChange
from tests.model.play import Play
from tests.model.reference import what_must_stand
from tests.stories.calendar import GUEST, SARAH
from tests.stories.desk import ACME, GLOBEX
from tests.stories.how_many import of_plays


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def engine(database_url: str, loop: asyncio.Runner) -> Iterator[AsyncEngine]:
    """Belongs to the loop in which the plays are told, which is none of pytest's."""
    made = connect(database_url, pool_size=2)
    yield made
    loop.run(made.dispose())


def test_the_tables_agree_with_the_reference_model(engine: AsyncEngine, loop: asyncio.Runner) -> None:
    run_state_machine_as_test(lambda: Play(engine, loop), settings=of_plays(40))


@pytest.mark.parametrize(
    ("change", "then"),
    [
        (DealChange(status="active"), ("active", None)),
        (DealChange(status="active", stage="proposal"), ("active", None)),
        (DealChange(status="active", lost_reason="no time"), ("lost", "no budget")),
        (DealChange(lost_reason="no time"), ("lost", "no time")),
        (DealChange(status="won"), ("lost", "no budget")),
    ],
)
def test_a_lost_deal_keeps_its_reason_until_it_is_active_again(
    engine: AsyncEngine, loop: asyncio.Runner, change: DealChange, then: tuple[str, str | None]
) -> None:
    """AP2, PI12."""
    play = Play(engine, loop)
    play.begin(first=[SARAH], second=[SARAH], told={"tell_guests": False})
    play.deal(which=1, company=ACME, change=DealChange(status="lost", lost_reason="no budget"))
    play.deal(which=1, company=ACME, change=change)
    play.what_stands_is_what_must()
    (deal,) = what_must_stand(play.history).deals
    assert (deal.status, deal.lost_reason) == then


def test_a_deal_that_turns_out_never_to_have_been_opened_takes_no_change(
    engine: AsyncEngine, loop: asyncio.Runner
) -> None:
    """PI7, PI12: a booking that is moved to the company brings an older deal along. The one opened by hand then never
    was, and what was said of it does not wait for it."""
    play = Play(engine, loop)
    play.begin(first=[SARAH, GUEST], second=[SARAH, GUEST], told={"tell_guests": False})
    change = DealChange(amount=Decimal(900), currency="EUR")
    play.deal(which=0, company=GLOBEX, change=change)
    play.deal(which=9, company=GLOBEX, change=change)
    play.what_stands_is_what_must()
    play.enter(which=0, company=GLOBEX, who=SARAH)
    play.what_stands_is_what_must()
    assert what_must_stand(play.history).waiting == []
