"""`/api/chat`: ask the assistant in words; the answer is streamed as server-sent events (AS3)."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response, Security
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, SecurityScopes
from pydantic import BaseModel, Field

from showup.access.permission import Permission
from showup.assistant import chat_store
from showup.assistant.chat_event import BUSY, is_answering, load_answer, require_model
from showup.assistant.tool_context import AssistantServices, Caller, ToolFailed, find_caller
from showup.web.api.schemas import Example, ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import State
from showup.web.http.auth import Reader, Writer, bearer, get_permission
from showup.web.http.command_route import CommandRoute
from showup.web.http.problems import Refusal, problem_examples
from showup.web.http.query_params import WorkspaceQuery
from showup.web.http.request_fields import RequestBody
from showup.web.http.sessions import check_csrf, find_session

router = APIRouter(prefix="/api/chat", tags=["assistant"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/chat", tags=["assistant"], route_class=CommandRoute)

_MAX_TEXT: Final = 8_000
_TEXT: Final = "What's my intro call link?"
_EXAMPLE: Final = 'event: text\ndata: {"text":"Your link is"}\n\nevent: done\ndata: {"tokens":812,"note":null}\n\n'
_CONVERSATION: Final[Example] = {
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": _TEXT}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Your link is https://cal.com/dana/intro"}]},
    ]
}


class ChatRequest(RequestBody):
    """What to ask."""

    example: ClassVar = {"message": _TEXT}

    message: str = Field(min_length=1, max_length=_MAX_TEXT)


class ChatMessageResponse(BaseModel):
    """A message; its blocks are texts, calls of tools, or their results."""

    role: Literal["user", "assistant"]
    content: list[dict[str, Any]]


class ConversationResponse(BaseModel):
    """The conversation of this key or teammate, oldest message first."""

    messages: list[ChatMessageResponse]


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
    "", response_model=ConversationResponse, responses=ok_response(_CONVERSATION) | problem_examples("conflict")
)
async def get_conversation(permission: Reader, state: State, _query: Annotated[WorkspaceQuery, Query()]) -> Any:
    """Get the conversation of this key with the assistant."""
    caller = await _caller(state.assistant, permission)
    async with state.assistant.read() as tx:
        messages = await chat_store.load(tx, caller.workspace.id, caller.actor)
    return {"messages": [msgspec.to_builtins(one) for one in messages]}


@commands.post(
    "",
    response_class=Response,
    responses={
        200: {"description": "OK", "content": {"text/event-stream": {"example": _EXAMPLE}}},
        **problem_examples("no-model", "conflict"),
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
    `note` says what to do. The model calls tools with this key's permission; changes wait for a person.
    """
    try:
        require_model(state.assistant)
    except ToolFailed as failed:
        raise Refusal("no-model", str(failed)) from None
    caller = await _caller(state.assistant, permission)
    if is_answering(state.assistant, caller):
        raise Refusal("conflict", BUSY)
    return StreamingResponse(
        _stream(state.assistant, caller, body.message),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no", "Cache-Control": "no-store"},
    )


@commands.delete(
    "", response_model=ConversationResponse, responses=ok_response({"messages": []}) | problem_examples("conflict")
)
async def delete_conversation(permission: Writer, state: State, _query: Annotated[WorkspaceQuery, Query()]) -> Any:
    """Delete the conversation of this key with the assistant."""
    caller = await _caller(state.assistant, permission)
    async with state.assistant.write() as tx:
        await chat_store.clear(tx, caller.workspace.id, caller.actor)
    return {"messages": []}


async def _stream(services: AssistantServices, caller: Caller, text: str) -> AsyncIterator[bytes]:
    answer = await load_answer()
    async for event in answer(services, caller, text):
        yield b"event: %b\ndata: %b\n\n" % (event.kind.encode(), msgspec.json.encode(event.data))


async def _caller(services: AssistantServices, permission: Permission) -> Caller:
    try:
        async with services.read() as tx:
            return await find_caller(tx, permission)
    except ToolFailed as failed:
        raise Refusal("conflict", str(failed)) from None
