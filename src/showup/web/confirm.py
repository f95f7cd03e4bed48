"""`/r/TOKEN`: the link in a reminder with which an attendee says that they will come (TE14).

No key: the token identifies the attendee, the booking and the time. Mail scanners open links, so GET changes nothing.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import ClientDisconnect

from showup.access.permission import Permission
from showup.commands.unit_of_work import UnitOfWork
from showup.connections.senders_store import sender_rules
from showup.database.engine import driver_connection
from showup.database.fault import POSSIBLE_OUTAGES
from showup.destinations.contract import Meeting
from showup.destinations.email.settings import SenderRule
from showup.dispatch.calendar_entries import load_sent_entries
from showup.events.booking import AttendeeConfirmed
from showup.events.manual import ATTENDEE
from showup.outbox.confirm_tokens import Invitation, read_confirm_token
from showup.reads.command_targets import BookingTarget, target_of_booking
from showup.reads.meetings import load_meetings
from showup.web.confirm_page import answer_of, render_answer, render_without_meeting, view_of
from showup.web.confirm_texts import Answer
from showup.web.http.app_state import AppState, State, read_transaction, write_transaction
from showup.web.http.problems import Refusal

_MAX_BODY_BYTES: Final = 4096

router = APIRouter(prefix="/r", include_in_schema=False)


class _Asked(Struct, frozen=True, kw_only=True):
    """An invitation with its booking and its meeting as they are now. `has_entry`: it is in the attendee's calendar.

    `senders` give the page the brand of the mail.
    """

    invitation: Invitation
    booking: BookingTarget
    meeting: Meeting
    has_entry: bool
    senders: Sequence[SenderRule]


@router.get("/{token}", response_class=HTMLResponse)
async def confirm_page(token: str, request: Request, state: State) -> HTMLResponse:
    """Show what is true now, with one button if the attendee has not answered; nothing is changed."""
    try:
        invitation = _read_token(request, state, token)
        asked = None if invitation is None else await _read(state, invitation)
    except Refusal as refusal:
        return _busy(request, refusal)
    except POSSIBLE_OUTAGES:
        return _unavailable(request)
    return _unknown(request) if asked is None else _page(asked, state)


@router.post("/{token}", response_class=HTMLResponse)
async def confirm(token: str, request: Request, state: State) -> HTMLResponse:
    """Record the attendee's yes, once; if the meeting is no longer as they were told, record nothing and say so."""
    try:
        await _check_size(request)
        invitation = _read_token(request, state, token)
        asked = None if invitation is None else await _read(state, invitation)
        # Only a yes that seems to be new waits for the lock.
        if asked is not None and _answer(asked, state) == "ask":
            asked = await _record(state, asked.invitation)
    except Refusal as refusal:
        return _busy(request, refusal)
    except POSSIBLE_OUTAGES:
        return _unavailable(request)
    if asked is None:
        return _unknown(request)
    return _page(asked, state, status=200 if _answer(asked, state) == "confirmed" else 409)


async def _check_size(request: Request) -> None:
    """Refuse a body that is larger than any form; what it says is ignored."""
    received_bytes = 0
    try:
        async for chunk in request.stream():
            received_bytes += len(chunk)
            if received_bytes > _MAX_BODY_BYTES:
                raise Refusal("body-too-large")
    except ClientDisconnect:
        raise Refusal("too-slow") from None


def _read_token(request: Request, state: AppState, token: str) -> Invitation | None:
    """Return the token's invitation. Refuses an address that sent too many wrong tokens."""
    source_address = request.client.host if request.client else None
    wait = state.link_throttle.retry_after(source_address, token)
    if wait is not None:
        raise Refusal("too-many-wrong-keys", headers={"Retry-After": str(wait)})
    invitation = read_confirm_token(state.mail_secrets.seal, token)
    state.link_throttle.record(source_address, token, is_valid=invitation is not None)
    return invitation


async def _read(state: AppState, invitation: Invitation) -> _Asked | None:
    async with read_transaction(state, _permission(invitation.workspace_id)) as tx:
        return await _find(tx, state, invitation)


async def _record(state: AppState, invitation: Invitation) -> _Asked | None:
    """Record the yes if it is still asked for, and return the result."""
    async with write_transaction(state) as tx:
        permission = _permission(invitation.workspace_id)
        unit_of_work = UnitOfWork(permission=permission, tx=tx, at=state.clock(), handlers=state.event_handlers)
        await unit_of_work.lock(invitation.workspace_id)
        asked = await _find(tx, state, invitation)
        if asked is None or _answer(asked, state) != "ask":
            return asked
        event = AttendeeConfirmed(
            subject=asked.booking.name, attendee=invitation.email, start_time=invitation.start_time
        )
        await unit_of_work.execute(invitation.workspace_id, event)
        return await _find(tx, state, invitation)


async def _find(tx: AsyncConnection, state: AppState, invitation: Invitation) -> _Asked | None:
    permission = _permission(invitation.workspace_id)
    booking = await target_of_booking(tx, permission, invitation.booking_id)
    if booking is None:
        return None
    connection = await driver_connection(tx)
    key = (booking.id, invitation.email)
    meeting = (await load_meetings(connection, [key], calcom_api_url=state.calcom_api_url)).get(key)
    if meeting is None:
        return None
    entries = (await load_sent_entries(connection, invitation.workspace_id, [meeting])).of(meeting)
    has_entry = any(one.recipient == invitation.email and one.method == "REQUEST" for one in entries)
    senders = (*await sender_rules(tx, invitation.workspace_id), *state.senders)
    return _Asked(invitation=invitation, booking=booking, meeting=meeting, has_entry=has_entry, senders=senders)


def _permission(workspace_id: UUID) -> Permission:
    return Permission(actor=ATTENDEE, scope="write", workspace_id=workspace_id)


def _answer(asked: _Asked, state: AppState) -> Answer:
    return answer_of(asked.meeting, asked.invitation.start_time, state.clock())


def _page(asked: _Asked, state: AppState, *, status: int = 200) -> HTMLResponse:
    now, start_time = state.clock(), asked.invitation.start_time
    answer = answer_of(asked.meeting, start_time, now)
    view = view_of(asked.meeting, asked.senders)
    return render_answer(answer, asked.meeting, start_time, now, view=view, has_entry=asked.has_entry, status=status)


def _unknown(request: Request) -> HTMLResponse:
    return render_without_meeting("unknown", _languages(request), status=404)


def _unavailable(request: Request) -> HTMLResponse:
    return render_without_meeting("busy", _languages(request), status=503)


def _busy(request: Request, refusal: Refusal) -> HTMLResponse:
    response = render_without_meeting("busy", _languages(request), status=refusal.status)
    response.headers.update(refusal.headers or {})
    return response


def _languages(request: Request) -> str:
    return request.headers.get("accept-language", "")
