import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from showup.simulation.chaos import apply_chaos
from showup.simulation.ledger import _HANDLERS
from showup.simulation.render import render
from showup.simulation.scenarios.catalog import CATALOG, draw_scenarios
from showup.simulation.truth import truth_of
from showup.simulation.world import make_world

START = datetime(2026, 9, 15, 12, 0, tzinfo=UTC)
FULL = make_world(1, START, 600)


def test_a_seed_and_an_instant_make_the_same_run_to_the_byte() -> None:
    again = make_world(1, START, 600)
    assert [render(webhook) for webhook in again.webhooks] == [render(webhook) for webhook in FULL.webhooks]


def test_another_second_makes_a_run_that_shares_no_name_with_it() -> None:
    other = truth_of(make_world(1, START + timedelta(seconds=1), 600).webhooks)
    truth = truth_of(FULL.webhooks)
    assert not truth.bookings.keys() & other.bookings.keys()
    assert not truth.companies.keys() & other.companies.keys()
    assert not truth.people.keys() & other.people.keys()


def test_a_run_has_about_as_many_webhooks_as_requested() -> None:
    assert 600 <= len(FULL.webhooks) < 630
    assert 1 <= len(make_world(1, START, 1).webhooks) < 30


def test_nothing_happens_after_the_start_or_long_before() -> None:
    assert all(START - timedelta(days=14, hours=1) < webhook.at <= START for webhook in FULL.webhooks)


def test_webhooks_are_in_source_order_and_one_bookings_never_simultaneous() -> None:
    assert all(webhook.at <= other.at for webhook, other in pairwise(FULL.webhooks))
    counts = Counter((webhook.booking.uid, webhook.at) for webhook in FULL.webhooks if webhook.booking)
    assert set(counts.values()) == {1}


def test_a_full_catalog_runs_every_scenario_and_emits_every_trigger() -> None:
    scenarios = draw_scenarios(random.Random(1))  # noqa: S311 - repeatable chance, not secrecy
    size = sum(weight for _, weight in CATALOG)
    assert {next(scenarios) for _ in range(size)} == {scenario for scenario, _ in CATALOG}
    assert {webhook.trigger for webhook in FULL.webhooks} == {*_HANDLERS, "MEETING_STARTED", "PING", "FORM_SUBMITTED"}


def test_every_outcome_is_among_the_truth() -> None:
    truth = truth_of(FULL.webhooks)
    assert {webhook.status for webhook in truth.bookings.values()} == {"ACCEPTED", "PENDING", "CANCELLED", "REJECTED"}
    assert {webhook.state for webhook in truth.bookings.values()} == {
        "showed",
        "no_show",
        "host_absent",
        "unreported",
    }
    assert {(webhook.status, webhook.stage) for webhook in truth.deals} >= {
        ("active", "booked"), ("active", "met"), ("cancelled", "booked")
    }  # fmt: skip
    assert max(webhook.reschedule_count for webhook in truth.bookings.values()) == 3


def test_meetings_lie_in_the_past_and_in_the_future() -> None:
    starts = [webhook.start_time for webhook in truth_of(FULL.webhooks).bookings.values()]
    assert min(starts) < START < max(starts)


def test_chaos_loses_nothing_invents_nothing_and_repeats_some() -> None:  # IN4, PI9
    sent = apply_chaos(FULL.webhooks, 1)
    assert {render(webhook) for webhook in FULL.webhooks} <= {render(webhook) for webhook in sent}
    original = {(webhook.trigger, webhook.at, webhook.booking) for webhook in FULL.webhooks}
    assert {(webhook.trigger, webhook.at, webhook.booking) for webhook in sent} == original
    bytes_sent = Counter(render(webhook) for webhook in sent)
    assert len(FULL.webhooks) < len(bytes_sent) < len(sent)


def test_chaos_reorders_even_the_webhooks_of_one_booking() -> None:  # PI9
    sent = apply_chaos(FULL.webhooks, 1)
    by_number: dict[int, list[datetime]] = {}
    for webhook in sent:
        if webhook.booking:
            by_number.setdefault(webhook.booking.number, []).append(webhook.at)
    assert any(weight != sorted(weight) for weight in by_number.values())


def test_chaos_is_the_same_for_a_seed_and_leaves_the_truth_as_it_is() -> None:  # PI9
    sent = apply_chaos(FULL.webhooks, 1)
    assert sent == apply_chaos(FULL.webhooks, 1) != apply_chaos(FULL.webhooks, 2)
