"""Deliveries as users reported them, read by Showup's own translation.

In the files, a time is absolute, or relative to the moment of the test: `@now`, `@-9m`, `@+2d`.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from showup.events.envelope import BookingRecord, EventRecord, order_key
from showup.events.translation import Translated
from showup.sources.calcom.translate import translate

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
_ACCOUNT_ID = uuid5(NAMESPACE_URL, "account")
_RELATIVE = re.compile(r"@(now|[+-]\d+[md])")
_UNITS = {"m": "minutes", "d": "days"}


def read_bodies(name: str) -> list[bytes]:
    """Returns the bodies of a file, in the order in which they are sent."""
    text = (Path(__file__).parent / f"{name}.json").read_text()
    sent: list[dict[str, Any]] = json.loads(_RELATIVE.sub(_to_time, text))["send"]
    return [json.dumps(one).encode() for one in sent if "triggerEvent" in one]


def read_records(name: str) -> dict[str, list[BookingRecord]]:
    """Returns the events of a file by the uid of their booking. They arrive one second apart."""
    found: dict[str, list[BookingRecord]] = {}
    for index, body in enumerate(read_bodies(name)):
        record = record_of_body(body, NOW + timedelta(seconds=index))
        found.setdefault(str(record.event.booking.uid), []).append(record)
    return found


def record_of_body(body: bytes, received_at: datetime) -> BookingRecord:
    translated = translate(body)
    assert isinstance(translated, Translated), translated
    source_at = translated.source_at or received_at
    digest = sha256(body).digest()
    return EventRecord(
        event_id=UUID(bytes=digest[:16]),
        account_id=_ACCOUNT_ID,
        event=translated.event,
        source_at=source_at,
        received_at=received_at,
        order_key=order_key(source_at, translated.event, digest),
        actor="calcom",
    )


def _to_time(match: re.Match[str]) -> str:
    offset = match[1]
    delta = timedelta() if offset == "now" else timedelta(**{_UNITS[offset[-1]]: int(offset[:-1])})
    return f"{NOW + delta:%Y-%m-%dT%H:%M:%S.000Z}"
