"""RU6: traces by OpenTelemetry lead from a webhook to what it caused, and a collector that is down harms nothing."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from showup.clock import system_clock
from tests.conftest import RUN_FOLDER
from tests.histories.webhooks import body, payload
from tests.showup_process import TIMEOUT, ShowupProcess
from tests.vendors.http_server import Exchange, HttpServer


@dataclass
class Collector:
    """The spans that arrived, by name, and the resource that they are of."""

    spans: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    services: set[str] = field(default_factory=set)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def receive(self, exchange: Exchange) -> None:
        request = ExportTraceServiceRequest.FromString(exchange.body())
        exchange.respond(200, b"", {"Content-Type": "application/x-protobuf"})
        with self.arrived:
            for resource in request.resource_spans:
                self.services |= {one.value.string_value for one in resource.resource.attributes}
                for scope in resource.scope_spans:
                    for span in scope.spans:
                        self.spans.setdefault(span.name, []).append(_attributes(span))
            self.arrived.notify_all()

    def wait_for(self, name: str, event_id: str) -> dict[str, Any]:
        """Returns the attributes of the first span of this name that is about the event."""

        def find() -> dict[str, Any] | None:
            return next((one for one in self.spans.get(name, ()) if event_id in str(one)), None)

        with self.arrived:
            assert self.arrived.wait_for(find, TIMEOUT), f"no span {name} of {event_id} among {self.spans}"
            found = find()
            assert found is not None
            return found


def _attributes(span: Any) -> dict[str, Any]:
    return {
        one.key: one.value.string_value
        or one.value.int_value
        or [each.string_value for each in one.value.array_value.values]
        for one in span.attributes
    }


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[Collector, HttpServer]]:
    collector = Collector()
    server = HttpServer(collector.receive, system_clock)
    yield collector, server
    server.stop()


@pytest.fixture(scope="module")
def showup(request: pytest.FixtureRequest, collector: tuple[Collector, HttpServer]) -> Iterator[ShowupProcess]:
    folder = request.config.stash[RUN_FOLDER] / uuid4().hex[:8]
    process = ShowupProcess(
        SHOWUP_DATA_DIR=str(folder),
        OTEL_EXPORTER_OTLP_ENDPOINT=collector[1].url,
        OTEL_BSP_SCHEDULE_DELAY="100",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment=staging",
    )
    yield process
    assert process.stop(signal.SIGINT) == 0


def test_a_webhook_can_be_followed_and_a_collector_that_is_down_harms_nothing(
    showup: ShowupProcess, collector: tuple[Collector, HttpServer]
) -> None:
    received, server = collector
    now = system_clock()
    booking = payload(uuid4().hex, 1, now + timedelta(days=4), ["ann@acme.example"])
    event_id = showup.post(body("BOOKING_CREATED", now, booking)).json()["id"]
    showup.client.get("/readyz?secret=1")
    assert received.wait_for("webhook calcom", event_id)["showup.status"] == 200
    assert event_id in received.wait_for("apply events", event_id)["showup.event_ids"]
    assert received.wait_for("deliver", event_id)["showup.outcome"] == "Delivered"
    assert received.wait_for("GET /readyz", "200")["showup.path"] == "/readyz"
    assert {"showup", "staging"} <= received.services
    assert not [one for spans in received.spans.values() for one in spans if "@" in str(one)]
    server.stop()
    assert [showup.post().status_code for _ in range(20)] == [200] * 20


def test_without_the_variables_nothing_of_it_is_imported() -> None:
    code = """
import sys
from showup import container, traces

traces.configure("1", {})
traces.configure("1", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"})
assert not traces.is_on()
assert not any(name.startswith(("opentelemetry.sdk", "opentelemetry.exporter")) for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
