"""RU6: whichever of several web processes is asked for metrics, it tells what all of them did."""

import signal
from collections.abc import Iterator
from uuid import uuid4

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import RUN_FOLDER
from tests.serving import SECRET, Serving, booking, sign


@pytest.fixture
def serving(request: pytest.FixtureRequest) -> Iterator[Serving]:
    folder = request.config.stash[RUN_FOLDER] / uuid4().hex[:8]
    begun = Serving("--web-processes", "2", SHOWUP_DATA_DIR=str(folder))
    yield begun
    begun.end(signal.SIGINT)


def told(serving: Serving) -> dict[str, float]:
    # Each time over a connection of its own, so that either process may take it.
    text = httpx2.get(f"{serving.address}/metrics", timeout=60).raise_for_status().text
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def sent(serving: Serving, body: bytes, secret: str = SECRET) -> int:
    headers = {"X-Cal-Signature-256": sign(secret.encode(), body)}
    return httpx2.post(f"{serving.address}/webhooks/calcom", content=body, headers=headers, timeout=60).status_code


def test_one_answer_tells_of_all_processes_even_of_one_that_was_killed(serving: Serving) -> None:
    taken = sum(sent(serving, booking()) == 200 for _ in range(20))
    assert [sent(serving, b"{}", "another") for _ in range(5)] == [401] * 5
    for one in [None, *serving.children("web")]:
        if one is not None:
            one.kill()
            serving.hear("process_ended")
        for found in (told(serving) for _ in range(6)):
            assert found["showup_webhooks_kept_total first"] >= taken > 0
            assert found["showup_webhooks_refused_total bad-signature"] == 5
            assert found["showup_webhooks_waiting"] == 0
            assert found["showup_database_up"] == 1
            assert "process_cpu_seconds_total" not in found, "it would be another process's each time"
