"""TE14: the attendee's yes on a real server: opening changes nothing, and large or repeated requests do no harm."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from showup.access.secrets_at_rest import Seal
from showup.outbox.confirm_tokens import Invitation, make_confirm_token
from tests.conftest import RUN_FOLDER
from tests.histories.webhooks import body, payload
from tests.showup_process import ADMIN_KEY, ShowupProcess
from tests.test_serve import wait_until

KEY = "k" * 40
ANN = "ann@acme.example"
AUTHORIZATION = {"Authorization": f"Bearer {ADMIN_KEY}"}


@pytest.fixture
def showup(request: pytest.FixtureRequest) -> Iterator[ShowupProcess]:
    data: Path = request.config.stash[RUN_FOLDER] / uuid4().hex[:8]
    process = ShowupProcess(SHOWUP_DATA_DIR=str(data), SHOWUP_SECRET_KEY=KEY)
    yield process
    process.stop(signal.SIGINT)


def get(showup: ShowupProcess, path: str) -> Any:
    return showup.client.get(path, headers=AUTHORIZATION).raise_for_status().json()


def test_a_yes_on_a_real_server(showup: ShowupProcess) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = now + timedelta(hours=26)
    assert showup.post(body("BOOKING_CREATED", now, payload("alpha", 1, start, [ANN]))).status_code == 200
    wait_until(lambda: bool(get(showup, "/api/bookings")["items"]))
    (booking,), (workspace,) = get(showup, "/api/bookings")["items"], get(showup, "/api/workspaces")["items"]
    invitation = Invitation(
        workspace_id=UUID(workspace["id"]), booking_id=UUID(booking["id"]), start_time=start, email=ANN
    )
    link = f"/r/{make_confirm_token(Seal.from_setting(KEY), invitation)}"

    opened = [showup.client.get(link) for _ in range(3)]
    assert {response.status_code for response in opened} == {200}
    assert "set-cookie" not in opened[0].headers
    assert [item["trigger"] for item in get(showup, "/api/events")["items"]] == ["BOOKING_CREATED"]

    oversized = showup.client.post(link, content=b"x" * 5_000_000, timeout=30)
    assert oversized.status_code == 413
    assert get(showup, "/api/bookings?confirmed=true")["items"] == []
    answers = [showup.client.post(link) for _ in range(2)]
    assert [(response.status_code, "See you" in response.text) for response in answers] == [(200, True)] * 2
    triggers = [item["trigger"] for item in get(showup, "/api/events")["items"]]
    assert sorted(triggers) == ["BOOKING_CREATED", "attendee_confirmed"]
    assert [one["confirmed_at"] is not None for one in get(showup, f"/api/bookings/{booking['id']}")["attendees"]] == [
        True
    ]
