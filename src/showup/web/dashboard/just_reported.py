"""What a page says after an outcome was reported, and the button that corrects it."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.bookings.booking import MeetingOutcome
from showup.reads.agenda import find_meeting
from showup.reads.outcome import load_outcome_form
from showup.web.dashboard.action_result import ActionResult, Undo
from showup.web.dashboard.reports import OTHERS, OUTCOMES, REPORTED


async def just_reported(tx: AsyncConnection, permission: Permission, booking_id: UUID | None) -> ActionResult | None:
    """Return the answer that stands now, with the button that corrects it; None without one that the reader can see."""
    if booking_id is None:
        return None
    meeting = await find_meeting(tx, permission, booking_id)
    known = await load_outcome_form(tx, permission, booking_id)
    outcome = None if known is None else OUTCOMES.get(known.outcome or "")
    if meeting is None or outcome is None:
        return None
    return ActionResult(text=f"{meeting.person}, reported: {REPORTED[outcome]}.", undo=correction(booking_id, outcome))


def correction(booking_id: UUID, outcome: MeetingOutcome, form: Mapping[str, str] | None = None) -> Undo | None:
    """Return the button that reports the other answer; it keeps what the form says of the page."""
    if outcome not in OTHERS:
        return None
    other, label = OTHERS[outcome]
    kept = {name: value for name, value in (form or {}).items() if name in ("who", "back", "board")}
    return Undo(label=label, path=f"bookings/{booking_id}/report", fields={"outcome": other, **kept})
