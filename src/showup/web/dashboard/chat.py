"""`/assistant`: ask in words, in a new chat or an earlier one (AS3).

The answer streams into the page; without a script, it comes as a whole.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from showup.access.teammate import Session
from showup.assistant import chat_store, conversations_store, usage_store
from showup.assistant.chat_event import BUSY, ChatEvent, is_answering, load_answer, require_model
from showup.assistant.conversations_store import Conversation
from showup.assistant.tool_context import Caller, ToolFailed, find_caller
from showup.web.dashboard.approval_view import find_cards
from showup.web.dashboard.chat_view import ChatEntry, ReplyBuilder, approvals_in, entries_of, latest_draft
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
_UNANSWERED: Final = "This has no answer yet. Ask again."
UNKNOWN_CHAT: Final = "You have no chat with this address. It may have been deleted."
_LATEST: Final = 5


@router.get("")
async def chat_page(request: Request, session: SignedIn, state: State, chat: UUID | None = None) -> Response:
    """Show a chat with its changes; without one, an empty page that begins a new chat and lists the latest."""
    await record_visit(session, state)
    return await _page(request, session, state, chat)


@router.post("")
async def ask(request: Request, session: SignedInMember, state: State) -> Response:
    """Ask: a script gets the place where the answer will stream; without one, the page comes with the answer."""
    form = await read_form(request)
    check_csrf(request, session, form)
    text = form.get("message", "").replace("\r\n", "\n")
    chat_id = _uuid(form.get("chat", ""))
    caller = await _caller(session, state)
    fault = _fault(text, state, caller)
    if fault is not None:
        return await _refused(request, session, state, chat_id, typed=text, fault=fault)
    is_streamed = is_part(request)
    async with state.assistant.write() as tx:
        asked = (caller.workspace.id, caller.actor, chat_id, text)
        chat = _known(await conversations_store.find_or_begin(tx, *asked, state.clock()))
        own = (caller.workspace.id, caller.actor, chat.id)
        question_id = await chat_store.add_question(tx, *own, text, state.clock())
    if is_streamed:
        context = {"session": session, "entries": [ChatEntry(question=text)], "question_id": question_id, "chat": chat}
        context |= {"cards": {}, "fault": None, "typed": ""}
        response = render_page(request, "parts/chat_asked.html", context)
        # A page that is loaded again shows this chat.
        response.headers["HX-Replace-Url"] = f"{base_of(request)}{path_of(chat.id)}"
        return response
    note = await _answer_whole(state, caller, chat.id, text)
    if note is not None:
        return await _refused(request, session, state, chat.id, typed=text, fault=note)
    return redirect(request, f"{path_of(chat.id)}#end")


@router.get("/answers/{question_id}")
async def stream_answer(request: Request, question_id: UUID, session: SignedInMember, state: State) -> Response:
    """Stream the answer to a question, once: each event has the whole reply so far."""
    caller = await _caller(session, state)
    async with state.assistant.write() as tx:
        own = (caller.workspace.id, caller.actor, question_id)
        question = await chat_store.take_question(tx, *own, state.clock())
    # The part stands on the page above.
    base = base_of(request).removeprefix("../../") or "./"
    headers = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
    parts = _stream(state, session, caller, question, base)
    return StreamingResponse(parts, media_type="text/event-stream", headers=headers)


def path_of(chat_id: UUID) -> str:
    """Return the path of a chat's page. It is as deep as that of a new chat, whose links stay right."""
    return f"assistant?chat={chat_id}"


def _known(chat: Conversation | None) -> Conversation:
    if chat is None:
        raise Refusal("not-found", UNKNOWN_CHAT)
    return chat


async def _stream(
    state: AppState, session: Session, caller: Caller, question: tuple[UUID, str] | None, base: str
) -> AsyncIterator[bytes]:
    reply, note, drawn = ReplyBuilder(), _INTERRUPTED if question is None else None, 0.0
    chat_id = None if question is None else question[0]
    loop = asyncio.get_running_loop()
    if question is not None:
        answer = await load_answer()
        async for event in answer(state.assistant, caller, *question):
            note = _add(reply, event)
            if loop.time() - drawn >= _DRAW_INTERVAL:
                drawn = loop.time()
                part = await _draw(state, session, chat_id, reply, base, note=note, is_complete=False)
                yield _event("answer", part)
    yield _event("answer", await _draw(state, session, chat_id, reply, base, note=note, is_complete=True))
    yield _event("close", "")


async def _answer_whole(state: AppState, caller: Caller, chat_id: UUID, text: str) -> str | None:
    """Answer, and return what a person must know of it if there is no answer."""
    note = None
    answer = await load_answer()
    async for event in answer(state.assistant, caller, chat_id, text):
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


async def _draw(  # what is drawn, and where it stands
    state: AppState,
    session: Session,
    chat_id: UUID | None,
    reply: ReplyBuilder,
    base: str,
    *,
    note: str | None,
    is_complete: bool,
) -> str:
    entry = ChatEntry(items=reply.items)
    viewer, cards = viewer_of(session, state), {}
    if is_complete and (ids := approvals_in([entry])):
        async with read_transaction(state, session.permission) as tx:
            cards = await find_cards(tx, session.permission, viewer, ids)
    back = "assistant" if chat_id is None else path_of(chat_id)
    context = {"session": session, "viewer": viewer, "entry": entry, "cards": cards, "note": note, "back": back}
    context |= {"can_decide": session.permission.allows("write"), "is_complete": is_complete, "chat_id": chat_id}
    context |= {"latest_draft": latest_draft([entry]) if is_complete else None}
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


async def _refused(  # what stands in the form
    request: Request, session: Session, state: AppState, chat_id: UUID | None, *, typed: str, fault: str
) -> Response:
    """Show why a question got no answer, and what was typed; for htmx, only the form."""
    if not is_part(request):
        return await _page(request, session, state, chat_id, typed=typed, fault=fault)
    form = {"typed": typed, "fault": fault, "session": session, "chat_id": chat_id, "swapped": True}
    return render_page(request, "parts/chat_form.html", form, status=422)


async def _page(  # what the page shows beside the data
    request: Request,
    session: Session,
    state: AppState,
    chat_id: UUID | None,
    *,
    typed: str = "",
    fault: str | None = None,
) -> Response:
    services, permission, viewer = state.assistant, session.permission, viewer_of(session, state)
    own = (session.workspace.id, permission.actor)
    async with read_transaction(state, permission) as tx:
        chat = None if chat_id is None else _known(await conversations_store.find(tx, *own, chat_id))
        entries = [] if chat is None else entries_of(await chat_store.load(tx, chat.id))
        unanswered = "" if chat is None else await chat_store.find_unanswered(tx, chat.id)
        context = {
            "chat": chat,
            "chat_id": chat_id,
            "entries": entries,
            "latest": [] if chat else await conversations_store.list_conversations(tx, *own, _LATEST),
            "cards": await find_cards(tx, permission, viewer, approvals_in(entries)),
            "latest_draft": latest_draft(entries),
            "settings": await usage_store.load_settings(tx, session.workspace.id),
            "used": await usage_store.usage_of_actor(tx, *own, viewer.now),
            "has_model": bool(services.model.key),
            "can_decide": permission.allows("write"),
            "typed": typed or unanswered,
            "fault": fault or (_UNANSWERED if unanswered else None),
            "session": session,
            "back": "assistant" if chat is None else path_of(chat.id),
        }
        context |= await shell_context(tx, session, viewer)
        return render_page(request, "assistant.html", context, status=422 if fault else 200)


def _uuid(text: str) -> UUID | None:
    """Return the chat of a form: none is a new one."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise Refusal("not-found", UNKNOWN_CHAT) from None
