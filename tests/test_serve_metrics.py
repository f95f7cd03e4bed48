"""RU6: each of several web processes reports the metrics of all of them."""

import signal
from collections.abc import Iterator
from uuid import uuid4

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import RUN_FOLDER
from tests.showup_process import SECRET, ShowupProcess, booking_body, sign


@pytest.fixture
def showup(request: pytest.FixtureRequest) -> Iterator[ShowupProcess]:
    folder = request.config.stash[RUN_FOLDER] / uuid4().hex[:8]
    process = ShowupProcess("--web-processes", "2", SHOWUP_DATA_DIR=str(folder))
    yield process
    process.stop(signal.SIGINT)


def read_metrics(showup: ShowupProcess) -> dict[str, float]:
    # Each request has its own connection, so that either process may serve it.
    text = httpx2.get(f"{showup.address}/metrics", timeout=60).raise_for_status().text
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def post_webhook(showup: ShowupProcess, body: bytes, secret: str = SECRET) -> int:
    headers = {"X-Cal-Signature-256": sign(secret.encode(), body)}
    return httpx2.post(f"{showup.address}/webhooks/calcom", content=body, headers=headers, timeout=60).status_code


def test_metrics_cover_all_processes_even_a_killed_one(showup: ShowupProcess) -> None:
    accepted = sum(post_webhook(showup, booking_body()) == 200 for _ in range(20))
    assert [post_webhook(showup, b"{}", "another") for _ in range(5)] == [401] * 5
    for process in [None, *showup.children("web")]:
        if process is not None:
            process.kill()
            showup.wait_for_output("process_ended")
        for metrics in (read_metrics(showup) for _ in range(6)):
            assert metrics["showup_webhooks_stored_total first"] >= accepted > 0
            assert metrics["showup_webhooks_refused_total bad-signature"] == 5
            assert metrics["showup_webhooks_pending"] == 0
            assert metrics["showup_database_up"] == 1
            assert "process_cpu_seconds_total" not in metrics, "its process would differ with each request"
