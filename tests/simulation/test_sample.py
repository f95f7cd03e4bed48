import json
from datetime import UTC, datetime, timedelta

import pytest

from showup.simulation.sample import SAMPLE, sample_bodies

NOW = datetime(2026, 9, 15, 23, 59, tzinfo=UTC)


def test_the_five_sample_deals_have_the_expected_stages() -> None:  # AP5
    assert [(deal.company, deal.person, deal.stage, deal.status) for deal in SAMPLE] == [
        ("Acme Corp", "Sarah Chen", "booked", "active"),
        ("TechStart Inc", "Mike Johnson", "met", "active"),
        ("DataFlow Systems", "Lisa Wong", "proposal", "active"),
        ("Growth Partners", "James Miller", "booked", "cancelled"),
        ("Nexus Ventures", "Anna Smith", "booked", "active"),
    ]
    assert len({deal.uid for deal in SAMPLE}) == 5


@pytest.mark.parametrize("hour", range(24))
def test_meetings_of_booked_deals_are_ahead_and_those_of_met_ones_over(hour: int) -> None:  # AP5
    now = NOW.replace(hour=hour)
    ended = {}
    for body in map(json.loads, sample_bodies(now)):
        fields = body.get("payload", body)
        ended[fields["uid"]] = body["triggerEvent"] == "MEETING_ENDED"
        assert datetime.fromisoformat(fields["endTime"]) <= now if ended[fields["uid"]] else True
    assert ended == {deal.uid: deal.stage != "booked" for deal in SAMPLE}
    next_start = min(
        start
        for body in map(json.loads, sample_bodies(now))
        if (start := datetime.fromisoformat(body.get("payload", body)["startTime"])) > now
    )
    assert timedelta(hours=3) <= next_start - now <= timedelta(hours=4), "Today shows it in every time zone"


def test_the_same_moment_gives_the_same_bytes() -> None:
    assert sample_bodies(NOW) == sample_bodies(NOW) != sample_bodies(NOW + timedelta(days=1))
