"""TE1, TE5 to TE8: the same delivery twice has one effect where the far side can help it, whatever broke in between."""

import pytest

from showup.destinations.contract import Delivered
from tests.destinations.conformance.listed import but
from tests.destinations.conformance.stage import Stage

# No destination makes more calls for one delivery.
_MOST_CALLS = 30


@pytest.mark.parametrize("stage", but("once"), indirect=True)
async def test_the_same_delivery_twice(stage: Stage) -> None:
    assert isinstance(await stage.send(), Delivered)
    once = stage.effects
    assert isinstance(await stage.send(number=2), Delivered)
    assert stage.effects == once


@pytest.mark.parametrize("stage", but("once"), indirect=True)
async def test_the_same_delivery_twice_says_the_same_of_where_it_went(stage: Stage) -> None:
    first, second = await stage.send(), await stage.send(number=2)
    assert isinstance(first, Delivered)
    assert isinstance(second, Delivered)
    assert (first.reference, first.record) == (second.reference, second.record)


@pytest.mark.parametrize("fault", ["lost", "500"])
@pytest.mark.parametrize("stage", but("once"), indirect=True)
async def test_a_fault_at_each_of_its_calls(stage: Stage, fault: str) -> None:
    """One call after the other is the one that fails; afterwards all stands as if none had."""
    assert isinstance(await stage.send(), Delivered)
    once = stage.effects.total()
    for place in range(_MOST_CALLS):
        with stage.case.start(stage.time) as far:
            other = Stage.beside(stage, far)
            other.meets(*[None] * place, fault)
            first = await other.send()
            if isinstance(first, Delivered) and not _met(other):
                return
            assert isinstance(await other.insist(), Delivered), (place, first)
            assert other.effects.total() == once, (place, first)
            assert getattr(far, "wrong", []) == []
    pytest.fail("it never came to an end")


def _met(stage: Stage) -> bool:
    """Whether every fault that was laid out has been met."""
    return not stage.far.faults.waiting
