"""`/api/chat`: ask the assistant in words, in a conversation; the answer is streamed as server-sent events (AS3)."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response, Security
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, SecurityScopes
from pydantic import BaseModel, Field

from showup.access.permission import Permission
from showup.assistant import chat_store, conversations_store
from showup.assistant.chat_event import BUSY, is_answering, load_answer, require_model
from showup.assistant.tool_context import AssistantServices, Caller, ToolFailed, find_caller
from showup.web.api.schemas import Example, ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import AppState, State
from showup.web.http.auth import Reader, Writer, bearer, get_permission
from showup.web.http.command_route import CommandRoute
from showup.web.http.problems import Refusal, problem_examples
from showup.web.http.query_params import WorkspaceQuery
from showup.web.http.request_fields import RequestBody
from showup.web.http.sessions import check_csrf, find_session

router = APIRouter(prefix="/api/chat", tags=["assistant"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/chat", tags=["assistant"], route_class=CommandRoute)

_MAX_TEXT: Final = 8_000
_UNKNOWN: Final = "You have no conversation with this id."
_TEXT: Final = "What's my intro call link?"
_EXAMPLE: Final = (
    'event: text\ndata: {"text":"Your link is"}\n\n'
    'event: done\ndata: {"conversation_id":"0199f2a4-…","tokens":812,"note":null}\n\n'
)
_ID: Final = "0199f2a4-6c1e-7d35-9a43-5f0c2b7e8d11"
_ABOUT: Final[Example] = {
    "id": _ID,
    "title": _TEXT,
    "created_at": "2026-03-12T15:40:00Z",
    "updated_at": "2026-03-12T15:41:00Z",
}
_CONVERSATIONS: Final[Example] = {"conversations": [_ABOUT]}
_CONVERSATION: Final[Example] = _ABOUT | {
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": _TEXT}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Your link is https://cal.com/dana/intro"}]},
    ]
}


class ChatRequest(RequestBody):
    """What to ask; without a conversation, a new one begins."""

    example: ClassVar = {"message": _TEXT, "conversation_id": _ID}

    message: str = Field(min_length=1, max_length=_MAX_TEXT)
    conversation_id: UUID | None = None


class ChatMessageResponse(BaseModel):
    """A message; its blocks are texts, calls of tools, or their results."""

    role: Literal["user", "assistant"]
    content: list[dict[str, Any]]


class ConversationSummary(BaseModel):
    """A conversation of this key or teammate."""

    id: UUID
    title: str = Field(description="The beginning of its first question.")
    created_at: datetime
    updated_at: datetime = Field(description="When it was last answered.")


class ConversationResponse(ConversationSummary):
    """A conversation with its messages, oldest first."""

    messages: list[ChatMessageResponse]


class ConversationListResponse(BaseModel):
    """The conversations of this key or teammate, the one that was used last first: at most 50."""

    conversations: list[ConversationSummary]


ConversationId = Annotated[UUID, Path(description="The conversation's id.")]


async def _get_writer(
    request: Request,
    state: State,
    required: SecurityScopes,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Permission:
    """Return the permission of the key or, in a browser, of the session, whose token must come with it."""
    if credentials is None and (session := await find_session(request, state)) is not None:
        check_csrf(request, session, {})
        if not session.permission.allows("write"):
            raise Refusal("forbidden", "You may read this workspace, and not ask for changes.")
        return session.permission
    return await get_permission(request, state, required, credentials)


@router.get(
    "", response_model=ConversationListResponse, responses=ok_response(_CONVERSATIONS) | problem_examples("conflict")
)
async def get_conversations(permission: Reader, state: State, _query: Annotated[WorkspaceQuery, Query()]) -> Any:
    """Get this key's conversations with the assistant, the latest first."""
    caller = await _caller(state.assistant, permission)
    async with state.assistant.read() as tx:
        found = await conversations_store.list_conversations(tx, caller.workspace.id, caller.actor)
    return {"conversations": [msgspec.to_builtins(one) for one in found]}


@router.get(
    "/{conversation_id}",
    response_model=ConversationResponse,
    responses=ok_response(_CONVERSATION) | problem_examples("not-found", "conflict"),
)
async def get_conversation(
    conversation_id: ConversationId, permission: Reader, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get a conversation of this key with the assistant."""
    caller = await _caller(state.assistant, permission)
    async with state.assistant.read() as tx:
        found = await conversations_store.find(tx, caller.workspace.id, caller.actor, conversation_id)
        if found is None:
            raise Refusal("not-found", _UNKNOWN)
        messages = await chat_store.load(tx, conversation_id)
    return msgspec.to_builtins(found) | {"messages": [msgspec.to_builtins(one) for one in messages]}


@commands.post(
    "",
    response_class=Response,
    responses={
        200: {"description": "OK", "content": {"text/event-stream": {"example": _EXAMPLE}}},
        **problem_examples("no-model", "conflict", "not-found"),
    },
)
async def ask_assistant(
    body: ChatRequest,
    permission: Annotated[Permission, Security(_get_writer, scopes=["write"])],
    state: State,
    _query: Annotated[WorkspaceQuery, Query()],
) -> Response:
    """Ask the assistant, and stream its answer.

    Events are `text` with the next words, `tool_call` and `tool_result`, and at the end `done` or `error`; an error's
    `note` says what to do. `done` has the `conversation_id` with which the next message goes on. The model calls tools
    with this key's permission; changes wait for a person.
    """
    try:
        require_model(state.assistant)
    except ToolFailed as failed:
        raise Refusal("no-model", str(failed)) from None
    caller = await _caller(state.assistant, permission)
    if is_answering(state.assistant, caller):
        raise Refusal("conflict", BUSY)
    conversation_id = await _conversation(state, caller, body)
    return StreamingResponse(
        _stream(state.assistant, caller, conversation_id, body.message),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )


@commands.delete(
    "/{conversation_id}",
    response_model=ConversationListResponse,
    responses=ok_response({"conversations": []}) | problem_examples("not-found", "conflict"),
)
async def delete_conversation(
    conversation_id: ConversationId, permission: Writer, state: State, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Delete a conversation of this key with the assistant, and list the others."""
    caller = await _caller(state.assistant, permission)
    async with state.assistant.write() as tx:
        if not await conversations_store.remove(tx, caller.workspace.id, caller.actor, conversation_id):
            raise Refusal("not-found", _UNKNOWN)
        found = await conversations_store.list_conversations(tx, caller.workspace.id, caller.actor)
    return {"conversations": [msgspec.to_builtins(one) for one in found]}


async def _conversation(state: AppState, caller: Caller, body: ChatRequest) -> UUID:
    async with state.assistant.write() as tx:
        asked = (caller.workspace.id, caller.actor, body.conversation_id, body.message)
        found = await conversations_store.find_or_begin(tx, *asked, state.clock())
    if found is None:
        raise Refusal("not-found", _UNKNOWN)
    return found.id


async def _stream(
    services: AssistantServices, caller: Caller, conversation_id: UUID, text: str
) -> AsyncIterator[bytes]:
    answer = await load_answer()
    async for event in answer(services, caller, conversation_id, text):
        yield b"event: %b\ndata: %b\n\n" % (event.kind.encode(), msgspec.json.encode(event.data))


async def _caller(services: AssistantServices, permission: Permission) -> Caller:
    try:
        async with services.read() as tx:
            return await find_caller(tx, permission)
    except ToolFailed as failed:
        raise Refusal("conflict", str(failed)) from None
