"""CA5: steps, rates and held rate, against a funnel that was worked out by hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from showup.campaigns.funnel import RATES, STEPS, UNITS, Counts, Held, Outcomes, difference, funnel_item, held_item

EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "funnel" / "expected.json").read_text())
FUNNELS = {**EXPECTED["funnel"], "workspace": EXPECTED["funnel_workspace"]}


def counts_of(name: str) -> Counts:
    one = FUNNELS[name]
    split = one["split"]
    return Counts(
        **{step: one[step] for step in STEPS[:-1]},
        outcomes=Outcomes(**split),
        held=Held(
            showed=split["showed_reported"],
            no_show=split["no_show"],
            open=split["showed_assumed"] + split["unreported"],
        ),
    )


@pytest.mark.parametrize("name", FUNNELS)
def test_each_campaign_has_the_expected_rates(name: str) -> None:
    item, expected = funnel_item(counts_of(name)), FUNNELS[name]
    assert item.keys() == expected.keys()
    assert item["split"] == expected["split"]
    for part in ("wilson_95", "bounds"):
        wanted = expected["held_rate"].pop(part) if part in expected["held_rate"] else None
        found = item["held_rate"].pop(part)
        assert (found is None) == (wanted is None)
        assert found is None or found == pytest.approx(wanted, abs=1e-5)
    assert item["held_rate"] == expected["held_rate"]
    assert {step: item[step] for step in STEPS} == {step: expected[step] for step in STEPS}
    for rate_name in RATES:
        assert item[rate_name] == expected[rate_name]


def test_a_denominator_of_zero_gives_null() -> None:
    item = funnel_item(Counts())
    assert {item[name] for name in RATES} == {None}
    assert held_item(Held())["rate"] is None
    assert held_item(Held())["bounds"] is None


def test_a_step_that_cannot_be_counted_has_no_rate() -> None:
    item = funnel_item(Counts(sent=None, delivered=None, replied=None, interested=None, booked=4))
    assert (item["booking_rate"], item["roi"], item["show_rate"]) == (None, None, 0.0)


def test_below_five_is_not_enough_data() -> None:
    assert held_item(Held(showed=4))["enough_data"] is False
    assert held_item(Held(showed=4, no_show=1))["enough_data"] is True


def test_mails_and_people_are_different_units() -> None:
    assert {"sent": "mails", "delivered": "mails"} | dict.fromkeys(STEPS[2:], "people") == UNITS


def test_the_difference_of_two_campaigns() -> None:
    (expected,) = EXPECTED["differences"]
    first, second = (counts_of(str(one)).held.proportion for one in expected["campaigns"])
    found = difference(first, second)
    assert found is not None
    assert found["difference"] == expected["held_rate_difference"]
    assert found["newcombe_95"] == pytest.approx(expected["newcombe_95"], abs=1e-5)
    assert found["beyond_chance"] is False


def test_too_few_cases_are_no_difference() -> None:
    few, many = counts_of("103").held.proportion, counts_of("101").held.proportion
    found = difference(few, many)
    assert found is not None
    assert found["beyond_chance"] is None
    assert difference(counts_of("104").held.proportion, many) is None
    assert difference(None, many) is None
