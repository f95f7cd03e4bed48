"""`/assistant`: ask in words. The answer streams into the page; without a script, it comes as a whole (AS3)."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from showup.access.teammate import Session
from showup.assistant import chat_store, usage_store
from showup.assistant.chat_event import BUSY, ChatEvent, is_answering, load_answer, require_model
from showup.assistant.tool_context import Caller, ToolFailed, find_caller
from showup.web.dashboard.approval_view import find_cards
from showup.web.dashboard.chat_view import ChatEntry, ReplyBuilder, approvals_in, entries_of
from showup.web.dashboard.page_route import DashboardRoute, is_part, redirect
from showup.web.dashboard.shell import record_visit, shell_context, viewer_of
from showup.web.dashboard.templates import base_of, render_page, render_text
from showup.web.http.app_state import AppState, State, read_transaction
from showup.web.http.forms import read_form
from showup.web.http.problems import Refusal
from showup.web.http.sessions import SignedIn, SignedInMember, check_csrf

router = APIRouter(prefix="/assistant", include_in_schema=False, route_class=DashboardRoute)

MAX_TEXT: Final = 8_000
# The whole reply is drawn again as it grows: so often, in seconds, that it reads like writing.
_DRAW_INTERVAL: Final = 0.15
_INTERRUPTED: Final = "The answer was interrupted. Ask again."


@router.get("")
async def chat_page(request: Request, session: SignedIn, state: State) -> Response:
    """Show the conversation, with the changes that wait."""
    await record_visit(session, state)
    return await _page(request, session, state)


@router.post("")
async def ask(request: Request, session: SignedInMember, state: State) -> Response:
    """Ask: a script gets the place where the answer will stream; without one, the page comes with the answer."""
    form = await read_form(request)
    check_csrf(request, session, form)
    text = form.get("message", "").replace("\r\n", "\n")
    caller = await _caller(session, state)
    fault = _fault(text, state, caller)
    if fault is not None:
        return await _page(request, session, state, typed=text, fault=fault, status=422)
    if is_part(request):
        async with state.assistant.write() as tx:
            question_id = await chat_store.add_question(tx, caller.workspace.id, caller.actor, text, state.clock())
        context = {"session": session, "entries": [ChatEntry(question=text)], "question_id": question_id, "cards": {}}
        return render_page(request, "parts/chat_asked.html", context | {"fault": None, "typed": ""})
    note = await _answer_whole(state, caller, text)
    if note is not None:
        return await _page(request, session, state, typed=text, fault=note, status=422)
    return redirect(request, "assistant#say")


@router.get("/answers/{question_id}")
async def stream_answer(request: Request, question_id: UUID, session: SignedInMember, state: State) -> Response:
    """Stream the answer to a question, once: each event has the whole reply so far."""
    caller = await _caller(session, state)
    async with state.assistant.write() as tx:
        text = await chat_store.take_question(tx, caller.workspace.id, caller.actor, question_id)
    # The part stands on the page above.
    base = base_of(request).removeprefix("../../") or "./"
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    parts = _stream(state, session, caller, text, base)
    return StreamingResponse(parts, media_type="text/event-stream", headers=headers)


@router.post("/clear")
async def clear_chat(request: Request, session: SignedInMember, state: State) -> Response:
    """Delete the conversation. What was asked for stays in the list of changes."""
    form = await read_form(request)
    check_csrf(request, session, form)
    caller = await _caller(session, state)
    async with state.assistant.write() as tx:
        await chat_store.clear(tx, caller.workspace.id, caller.actor)
    return redirect(request, "assistant")


async def _stream(
    state: AppState, session: Session, caller: Caller, text: str | None, base: str
) -> AsyncIterator[bytes]:
    reply, note, drawn = ReplyBuilder(), _INTERRUPTED if text is None else None, 0.0
    loop = asyncio.get_running_loop()
    if text is not None:
        answer = await load_answer()
        async for event in answer(state.assistant, caller, text):
            note = _add(reply, event)
            if loop.time() - drawn >= _DRAW_INTERVAL:
                drawn = loop.time()
                yield _event("answer", await _draw(state, session, reply, base, note=note, is_complete=False))
    yield _event("answer", await _draw(state, session, reply, base, note=note, is_complete=True))
    yield _event("close", "")


async def _answer_whole(state: AppState, caller: Caller, text: str) -> str | None:
    """Answer, and return what a person must know of it if there is no answer."""
    note = None
    answer = await load_answer()
    async for event in answer(state.assistant, caller, text):
        note = event.data["note"] if event.kind == "error" else None
    return note


def _add(reply: ReplyBuilder, event: ChatEvent) -> str | None:
    """Add an event to the reply, and return the note with which the reply ends."""
    data = event.data
    match event.kind:
        case "text":
            reply.add_text(data["text"])
        case "tool_call":
            reply.add_call(data["id"], data["name"], data["arguments"])
        case "tool_result":
            reply.add_result(data["id"], data["content"], is_error=data["is_error"])
        case _:
            note: str | None = data["note"]
            return note
    return None


async def _draw(
    state: AppState, session: Session, reply: ReplyBuilder, base: str, *, note: str | None, is_complete: bool
) -> str:
    entry = ChatEntry(items=reply.items)
    viewer, cards = viewer_of(session, state), {}
    if is_complete and (ids := approvals_in([entry])):
        async with read_transaction(state, session.permission) as tx:
            cards = await find_cards(tx, session.permission, viewer, ids)
    context = {"session": session, "viewer": viewer, "entry": entry, "cards": cards, "note": note, "back": "assistant"}
    context |= {"can_decide": session.permission.allows("write"), "is_complete": is_complete}
    return render_text("parts/chat_reply.html", context, base=base)


def _event(name: str, text: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in text.splitlines()) or "data:\n"
    return f"event: {name}\n{lines}\n".encode()


def _fault(text: str, state: AppState, caller: Caller) -> str | None:
    """Return why this can't be asked."""
    if not 0 < len(text) <= MAX_TEXT:
        return f"Write what you want to know, in up to {MAX_TEXT:,} characters."
    try:
        require_model(state.assistant)
    except ToolFailed as failed:
        return str(failed)
    return BUSY if is_answering(state.assistant, caller) else None


async def _caller(session: Session, state: AppState) -> Caller:
    try:
        async with state.assistant.read() as tx:
            return await find_caller(tx, session.permission)
    except ToolFailed as failed:
        raise Refusal("conflict", str(failed)) from None


async def _page(  # what stands in the form
    request: Request,
    session: Session,
    state: AppState,
    *,
    typed: str = "",
    fault: str | None = None,
    status: int = 200,
) -> Response:
    """Show the page; for htmx, only the form with its fault."""
    services, permission, viewer = state.assistant, session.permission, viewer_of(session, state)
    form = {"typed": typed, "fault": fault, "session": session}
    if is_part(request):
        return render_page(request, "parts/chat_form.html", form | {"swapped": True}, status=status)
    async with read_transaction(state, permission) as tx:
        entries = entries_of(await chat_store.load(tx, session.workspace.id, permission.actor))
        settings = await usage_store.load_settings(tx, session.workspace.id)
        used = await usage_store.usage_of_actor(tx, session.workspace.id, permission.actor, viewer.now)
        context = form | {
            "entries": entries,
            "cards": await find_cards(tx, permission, viewer, approvals_in(entries)),
            "settings": settings,
            "used": used,
            "has_model": bool(services.model.key),
            "can_decide": permission.allows("write"),
            "back": "assistant",
        }
        return render_page(request, "assistant.html", context | await shell_context(tx, session, viewer), status=status)
