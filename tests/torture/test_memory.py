"""The soak tells a leak from noise."""

from tests.torture.memory import growth_of

MB = 1_000_000.0


def test_a_steady_rise_is_a_leak_and_a_warm_up_is_not() -> None:
    warming = [50 * MB + min(number, 8) * 5 * MB for number in range(30)]
    noisy = [90 * MB + number % 3 * MB for number in range(30)]
    leaking = [90 * MB + number * 1.5 * MB for number in range(30)]
    assert [growth_of(samples).is_leak for samples in (warming, noisy, leaking)] == [False, False, True]
