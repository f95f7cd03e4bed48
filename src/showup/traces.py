"""Traces with OpenTelemetry: of requests, of batches of events, and of attempts at deliveries (RU6).

Off unless the environment has OpenTelemetry's own variable OTEL_EXPORTER_OTLP_ENDPOINT or
OTEL_EXPORTER_OTLP_TRACES_ENDPOINT; then nothing of it is imported. The attribute `showup.event_id` leads from a webhook
to what it caused. A collector that is down costs spans, and nothing else: they are sent by a thread, from a queue that
drops them when it is full.
"""

import atexit
import os
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

import structlog

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

Attribute: TypeAlias = str | int | UUID | Collection[UUID] | None

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_IDS_PER_SPAN: Final = 100
# The end of a process must not wait for a collector that hangs.
_FLUSH_MILLISECONDS: Final = 2_000
_NO_SPAN: Final[AbstractContextManager[None]] = nullcontext()

_log = structlog.get_logger()
_tracers: "list[Tracer]" = []
_providers: "list[TracerProvider]" = []


def configure(version: str, environment: Mapping[str, str] = os.environ) -> None:
    """Starts to send the spans of this process, if the environment says so. A later call changes nothing."""
    is_wanted = any(environment.get(name) for name in _ENDPOINTS)
    if _tracers or not is_wanted or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    try:
        provider = _provider(version)
    except ImportError:
        _log.warning("traces are off: OpenTelemetry is not installed. Run `pip install 'showup[otel]'`")
        return
    _tracers.append(provider.get_tracer("showup", version))
    _providers.append(provider)
    atexit.register(flush)


def flush() -> None:
    """Sends the spans that wait, for 2 s at most. Call it at the end of a process."""
    for provider in _providers:
        provider.force_flush(_FLUSH_MILLISECONDS)


def _provider(version: str) -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    own = Resource({"service.name": "showup", "service.version": version})
    provider = TracerProvider(resource=own.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    # Both read the other OTEL_ variables.
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


def is_on() -> bool:
    """Returns whether spans are sent."""
    return bool(_tracers)


def span(name: str, **attributes: Attribute) -> AbstractContextManager[object]:
    """Returns a span around the block, a child of the one around it.

    The attributes are named `showup.…`. No attribute may have personal data.
    """
    if not _tracers:
        return _NO_SPAN
    return _tracers[0].start_as_current_span(name, attributes=_named(attributes), record_exception=False)


def annotate(**attributes: Attribute) -> None:
    """Adds attributes to the present span."""
    if _tracers:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attributes(_named(attributes))


def _named(attributes: Mapping[str, Attribute]) -> dict[str, str | int | list[str]]:
    """Returns the attributes under their full names; of several ids, the first `_IDS_PER_SPAN`."""
    return {f"showup.{key}": _plain(value) for key, value in attributes.items() if value is not None}


def _plain(value: str | int | UUID | Collection[UUID]) -> str | int | list[str]:
    match value:
        case str() | int():
            return value
        case UUID():
            return str(value)
        case _:
            return [str(one) for one in islice(value, _IDS_PER_SPAN)]
