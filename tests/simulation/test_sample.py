import json
from datetime import UTC, datetime, timedelta

import pytest

from showup.simulation.sample import SAMPLE, sample_bodies

NOW = datetime(2026, 9, 15, 23, 59, tzinfo=UTC)


def test_the_five_companies_stand_where_they_should() -> None:  # AP5
    assert [(one.company, one.person, one.stage, one.status) for one in SAMPLE] == [
        ("Acme Corp", "Sarah Chen", "booked", "active"),
        ("TechStart Inc", "Mike Johnson", "met", "active"),
        ("DataFlow Systems", "Lisa Wong", "proposal", "active"),
        ("Growth Partners", "James Miller", "booked", "cancelled"),
        ("Nexus Ventures", "Anna Smith", "booked", "active"),
    ]
    assert len({one.uid for one in SAMPLE}) == 5


@pytest.mark.parametrize("hour", range(24))
def test_meetings_of_booked_deals_are_ahead_and_those_of_met_ones_over(hour: int) -> None:  # AP5
    now = NOW.replace(hour=hour)
    ended = {}
    for body in map(json.loads, sample_bodies(now)):
        fields = body.get("payload", body)
        ended[fields["uid"]] = body["triggerEvent"] == "MEETING_ENDED"
        assert datetime.fromisoformat(fields["endTime"]) <= now if ended[fields["uid"]] else True
    assert ended == {one.uid: one.stage != "booked" for one in SAMPLE}


def test_the_same_moment_gives_the_same_bytes_and_marks_them_all() -> None:  # PI13
    assert sample_bodies(NOW) == sample_bodies(NOW) != sample_bodies(NOW + timedelta(days=1))
    for body in map(json.loads, sample_bodies(NOW)):
        assert body.get("payload", body)["metadata"]["showup"] == "simulated"
