"""Unwraps webhook bodies: Cal.com's own envelopes, and those of relays that forward them."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from showup.sources.calcom.payload import Json, instant, mapping, text
from showup.values.counted import counted


class Envelope(Struct, frozen=True, kw_only=True):
    """An unwrapped body: `trigger` as Cal.com writes it today, `fields` with the booking's fields.

    `is_row` marks bodies of MEETING_STARTED and MEETING_ENDED that are a row of Cal.com's database: their `createdAt`
    is the booking's, not the webhook's.
    """

    trigger: str
    fields: Json
    is_row: bool
    root: Json

    def sent_at(self) -> datetime | None:
        """Returns when Cal.com queued the webhook, if the body has it. Raises `NotATime` if the value is no time."""
        return None if self.is_row else instant(self.root, "createdAt")


class NotAnEnvelope(ValueError):
    """Raised for a body that can't be unwrapped; the message says what it is instead."""


def open_envelope(body: bytes) -> Envelope:
    """Unwraps a body in any known format. Raises `NotAnEnvelope`."""
    root = _unwrap(_decoded(body))
    trigger = text(root.get("triggerEvent")) or text(root.get("trigger"))
    if trigger is None:
        raise NotAnEnvelope(
            "the body has no triggerEvent: it comes from a custom template, from Zapier or not from Cal.com"
        )
    trigger = trigger.upper().replace(".", "_").replace(" ", "_").replace("-", "_")
    fields = root.get("payload", root.get("data"))
    flat = not isinstance(fields, dict)
    fields = root if flat else fields
    nested = fields.get("booking")
    if isinstance(nested, dict) and "uid" not in fields and "report" not in fields:
        fields = {**fields, **nested}
    is_row = flat and trigger in ("MEETING_STARTED", "MEETING_ENDED")
    return Envelope(trigger=trigger, fields=fields, is_row=is_row, root=root)


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except UnicodeDecodeError:
        raise NotAnEnvelope("the body is not UTF-8") from None
    except RecursionError:
        raise NotAnEnvelope("the body is nested too deeply") from None
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError) as fault:
        raise NotAnEnvelope(f"the body is not JSON ({str(fault)[:120]})") from None


def _unwrap(value: Any) -> Json:
    """n8n sends an array of one object; Hookdeck and Svix send the body as text in `body`."""
    if isinstance(value, list):
        if len(value) != 1:
            raise NotAnEnvelope(f"the body is an array of {counted(len(value), 'item')}; one object is expected")
        value = value[0]
    if not isinstance(value, dict):
        raise NotAnEnvelope(f"the body is a JSON {_json_type(value)}; an object is expected")
    wrapped = value.get("body")
    if "triggerEvent" not in value and isinstance(wrapped, str | dict):
        return mapping(_decoded(wrapped.encode()) if isinstance(wrapped, str) else wrapped)
    return value


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    return {bool: "boolean", str: "string", int: "number", float: "number", list: "array"}[type(value)]
