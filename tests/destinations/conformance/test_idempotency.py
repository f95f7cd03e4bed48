"""TE1, TE5 to TE8: a delivery sent twice has one effect if the vendor supports that, after any fault in between."""

import pytest

from showup.destinations.contract import Delivered
from tests.destinations.conformance.cases import cases_without
from tests.destinations.conformance.subject import DestinationUnderTest

# No destination makes more calls for one delivery.
_MOST_CALLS = 30


@pytest.mark.parametrize("subject", cases_without("once"), indirect=True)
async def test_the_same_delivery_twice(subject: DestinationUnderTest) -> None:
    assert isinstance(await subject.send(), Delivered)
    once = subject.effects
    assert isinstance(await subject.send(number=2), Delivered)
    assert subject.effects == once


@pytest.mark.parametrize("subject", cases_without("once"), indirect=True)
async def test_a_repeated_delivery_returns_the_same_reference_and_record(subject: DestinationUnderTest) -> None:
    first, second = await subject.send(), await subject.send(number=2)
    assert isinstance(first, Delivered)
    assert isinstance(second, Delivered)
    assert (first.reference, first.record) == (second.reference, second.record)


@pytest.mark.parametrize("fault", ["lost", "500"])
@pytest.mark.parametrize("subject", cases_without("once"), indirect=True)
async def test_a_fault_at_each_call(subject: DestinationUnderTest, fault: str) -> None:
    """Fails each call in turn; the final effects are the same as without a fault."""
    assert isinstance(await subject.send(), Delivered)
    once = subject.effects.total()
    for place in range(_MOST_CALLS):
        with subject.case.start(subject.time) as fake:
            other = DestinationUnderTest.with_fake(subject, fake)
            other.next_faults(*[None] * place, fault)
            first = await other.send()
            if isinstance(first, Delivered) and not faults_met(other):
                return
            assert isinstance(await other.send_until_finished(), Delivered), (place, first)
            assert other.effects.total() == once, (place, first)
    pytest.fail("it never came to an end")


def faults_met(subject: DestinationUnderTest) -> bool:
    """Returns whether every queued fault has occurred."""
    return not subject.fake.faults.has_queued
