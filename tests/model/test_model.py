"""R2: the tables agree with the reference model after every step of a generated history."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import connect
from showup.deals.deal import DealChange
from tests.histories.calcom_week import GUEST, SARAH
from tests.histories.hypothesis_settings import machine_settings
from tests.histories.operator_commands import ACME, GLOBEX
from tests.model.booking_machine import BookingMachine
from tests.model.reference import expected_model


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def engine(database_url: str, loop: asyncio.Runner) -> Iterator[AsyncEngine]:
    """An engine for the event loop that runs the state machine, which is not pytest's."""
    created = connect(database_url, pool_size=2)
    yield created
    loop.run(created.dispose())


def test_the_tables_agree_with_the_reference_model(engine: AsyncEngine, loop: asyncio.Runner) -> None:
    run_state_machine_as_test(lambda: BookingMachine(engine, loop), settings=machine_settings())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (DealChange(status="active"), ("active", None)),
        (DealChange(status="active", stage="proposal"), ("active", None)),
        (DealChange(status="active", lost_reason="no time"), ("lost", "no budget")),
        (DealChange(lost_reason="no time"), ("lost", "no time")),
        (DealChange(status="won"), ("lost", "no budget")),
    ],
)
def test_a_lost_deal_has_its_reason_until_it_is_active_again(
    engine: AsyncEngine, loop: asyncio.Runner, change: DealChange, expected: tuple[str, str | None]
) -> None:
    """AP2, PI12."""
    machine = BookingMachine(engine, loop)
    machine.begin(first=[SARAH], second=[SARAH], initial_rules={"notify_guests": False})
    machine.change_deal(which=1, company=ACME, change=DealChange(status="lost", lost_reason="no budget"))
    machine.change_deal(which=1, company=ACME, change=change)
    machine.tables_match_model()
    (deal,) = expected_model(machine.history).deals
    assert (deal.status, deal.lost_reason) == expected


def test_a_removed_deal_takes_no_change(engine: AsyncEngine, loop: asyncio.Runner) -> None:
    """PI7, PI12: a booking that moves to the company brings an older deal along.

    This replaces the deal that a command had opened, and later changes of that deal do not wait for it.
    """
    machine = BookingMachine(engine, loop)
    machine.begin(first=[SARAH, GUEST], second=[SARAH, GUEST], initial_rules={"notify_guests": False})
    change = DealChange(amount=Decimal(900), currency="EUR")
    machine.change_deal(which=0, company=GLOBEX, change=change)
    machine.change_deal(which=9, company=GLOBEX, change=change)
    machine.tables_match_model()
    machine.record_contact(which=0, company=GLOBEX, email=SARAH)
    machine.tables_match_model()
    assert expected_model(machine.history).waiting == []
