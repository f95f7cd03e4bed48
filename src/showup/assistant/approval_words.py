"""How people read a change that an assistant asked for: its title, whose assistant it is, and its record. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from showup.assistant.approval import Approval


def title_of(approval: Approval, name: str, *, is_question: bool) -> str:
    """Return the title; `name` is the record's, empty if there is none."""
    match approval.tool:
        case "move_deal":
            title = f"Move {name or 'the deal'}"
        case "record_outcome":
            title = f"Record how the meeting with {name} went" if name else "Record how the meeting went"
        case _:
            title = f"Link the booking of {name} to a lead" if name else "Link the booking to a lead"
    return f"{title}?" if is_question else title


def asked_by(approval: Approval) -> str:
    """Return whose assistant asked."""
    kind, _, name = approval.requested_by.partition(":")
    words = {"key": f"the program with the key “{name}”", "teammate": f"the assistant of {name}"}
    return words.get(kind, approval.requested_by)


def record_of(approval: Approval) -> tuple[str, UUID] | None:
    """Return the path of pages, `deals` or `bookings`, and the id of the record that the change is about."""
    for argument, path in (("deal_id", "deals"), ("booking_id", "bookings")):
        if (found := approval.arguments.get(argument)) is not None:
            return path, UUID(found)
    changed: Sequence[Mapping[str, Any]] = approval.difference["changes"]
    booking_id = next((one["booking_id"] for one in changed if one["booking_id"]), None)
    return None if booking_id is None else ("bookings", UUID(str(booking_id)))
