"""The chat: a language model answers a teammate, and calls tools for them (AS3).

What tools return goes to the model as JSON with text from outside marked; the model can only ask for changes. An answer
is stored when it is complete: a broken one leaves no call without its result behind.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any, Final, cast
from uuid import UUID

import anthropic
import msgspec
import structlog
from anthropic import AsyncAnthropic
from anthropic.types import Message, MessageParam, ToolParam
from sqlalchemy.exc import DBAPIError

from showup.assistant import chat_store, conversations_store, usage_store
from showup.assistant.call import allowed_tools, call_tool
from showup.assistant.chat_event import ChatEvent, answer_slot, require_model
from showup.assistant.chat_store import ChatMessage
from showup.assistant.prompt import system_prompt
from showup.assistant.tool_context import AssistantServices, Caller, ToolFailed
from showup.database.fault import POSSIBLE_OUTAGES, describe_error

_MAX_ROUNDS: Final = 8
_MAX_TOKENS: Final = 2_048
_MAX_HISTORY: Final = 120_000
_TIMEOUT: Final = timedelta(seconds=90)
# While words arrive, the kill switch is looked at this often.
_SWITCH_INTERVAL: Final = timedelta(seconds=1)
_ENDINGS: Final = {
    "max_tokens": "The answer was cut because it is too long. Ask for less at once.",
    "refusal": "The model refused to answer this.",
    "model_context_window_exceeded": "The conversation is too long. Begin a new one.",
}
_log = structlog.get_logger()


async def answer(
    services: AssistantServices, caller: Caller, conversation_id: UUID, text: str
) -> AsyncIterator[ChatEvent]:
    """Answer a message in a conversation of the caller, part by part; an error comes last, and says what to do."""
    conversation = _Answer(services, caller, conversation_id)
    try:
        # Only now: an answer that nobody waits for any more never begins.
        with answer_slot(services, caller):
            async for event in conversation.write(text):
                yield event
    except ToolFailed as failed:
        yield ChatEvent(kind="error", data={"note": str(failed)})
    except anthropic.AnthropicError as fault:
        _log.warning("the language model failed", because=type(fault).__name__)
        yield ChatEvent(kind="error", data={"note": _explain(fault)})
    except (DBAPIError, *POSSIBLE_OUTAGES) as fault:
        _log.warning("the chat failed", because=describe_error(fault))
        yield ChatEvent(kind="error", data={"note": "The database is busy or unreachable. Ask again in a moment."})


class _Answer:
    """The rounds of the model and its tools."""

    def __init__(self, services: AssistantServices, caller: Caller, conversation_id: UUID) -> None:
        self._services = services
        self._caller = caller
        self._conversation_id = conversation_id
        self._added: list[ChatMessage] = []
        self._tokens = 0

    async def write(self, text: str) -> AsyncIterator[ChatEvent]:
        model = self._services.model
        key = require_model(self._services)
        async with self._services.read() as tx:
            own = (self._caller.workspace.id, self._caller.actor, self._conversation_id)
            if await conversations_store.find(tx, *own) is None:
                raise ToolFailed("You have no such conversation. Begin a new one.")
            stored = await chat_store.load(tx, self._conversation_id)
        history = recent(stored)
        self._added.append(ChatMessage(role="user", content=[{"type": "text", "text": text}]))
        async with AsyncAnthropic(api_key=key, base_url=model.url, timeout=_TIMEOUT.total_seconds()) as client:
            for _ in range(_MAX_ROUNDS):
                await self._check_budget()
                async for event in self._round(client, history):
                    yield event
                if self._added[-1].role == "assistant":
                    return
        yield ChatEvent(kind="error", data={"note": f"The answer needed more than {_MAX_ROUNDS} rounds of tools."})

    async def _round(self, client: AsyncAnthropic, history: Sequence[ChatMessage]) -> AsyncIterator[ChatEvent]:
        """Let the model go on. If it calls tools, their results are the last message afterwards."""
        async with client.messages.stream(
            model=self._services.model.model,
            max_tokens=_MAX_TOKENS,
            system=system_prompt(self._caller, self._services.clock()),
            tools=self._tools(),
            messages=[_to_param(one) for one in (*history, *self._added)],
        ) as stream:
            look_at = self._services.clock() + _SWITCH_INTERVAL
            async for part in stream.text_stream:
                yield ChatEvent(kind="text", data={"text": part})
                if self._services.clock() >= look_at:
                    await self._check_budget()
                    look_at = self._services.clock() + _SWITCH_INTERVAL
            message = await stream.get_final_message()
        await self._count(message)
        calls = [block for block in message.content if block.type == "tool_use"]
        blocks: list[dict[str, Any]] = [_block(one) for one in message.content if one.type in ("text", "tool_use")]
        self._added.append(ChatMessage(role="assistant", content=blocks))
        if message.stop_reason != "tool_use" or not calls:
            yield await self._finish(message)
            return
        results = []
        for call in calls:
            arguments = dict(call.input)
            yield ChatEvent(kind="tool_call", data={"id": call.id, "name": call.name, "arguments": arguments})
            found = await call_tool(self._services, self._caller, call.name, arguments)
            yield ChatEvent(
                kind="tool_result", data={"id": call.id, "is_error": found.is_error, "content": found.content}
            )
            encoded = msgspec.json.encode(found.content).decode()
            results.append(
                {"type": "tool_result", "tool_use_id": call.id, "content": encoded, "is_error": found.is_error}
            )
        # All results of one message go back in one message.
        self._added.append(ChatMessage(role="user", content=results))

    async def _finish(self, message: Message) -> ChatEvent:
        is_empty = not self._added[-1].content
        if not is_empty:
            async with self._services.write() as tx:
                await chat_store.append(
                    tx, self._caller.workspace.id, self._conversation_id, self._added, self._services.clock()
                )
        note = _ENDINGS.get(message.stop_reason or "", "The model had nothing to say." if is_empty else None)
        done = {"conversation_id": str(self._conversation_id), "tokens": self._tokens, "note": note}
        return ChatEvent(kind="done", data=done)

    def _tools(self) -> list[ToolParam]:
        return [
            {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
            for tool in allowed_tools(self._caller)
        ]

    async def _check_budget(self) -> None:
        await self._spend(0)

    async def _count(self, message: Message) -> None:
        used = message.usage.input_tokens + message.usage.output_tokens
        self._tokens += used
        await self._spend(used)

    async def _spend(self, tokens: int) -> None:
        caller = self._caller
        async with self._services.write() as tx:
            settings = await usage_store.require_on(tx, caller.workspace.id)
            await usage_store.spend(
                tx, settings, caller.workspace.id, caller.actor, self._services.clock(), tokens=tokens
            )


def recent(stored: Sequence[ChatMessage]) -> list[ChatMessage]:
    """Return the newest part of a conversation that fits, beginning with words of the person."""
    size, first = 0, len(stored)
    for place in range(len(stored) - 1, -1, -1):
        size += len(msgspec.json.encode(stored[place].content))
        if size > _MAX_HISTORY:
            break
        if stored[place].role == "user" and stored[place].content[0]["type"] == "text":
            first = place
    return list(stored[first:])


def _to_param(message: ChatMessage) -> MessageParam:
    # The blocks are as the API has them.
    return cast("MessageParam", {"role": message.role, "content": message.content})


def _block(block: Any) -> dict[str, Any]:
    if block.type == "text":
        return {"type": "text", "text": block.text}
    return {"type": "tool_use", "id": block.id, "name": block.name, "input": block.input}


def _explain(fault: anthropic.AnthropicError) -> str:
    match fault:
        case anthropic.AuthenticationError() | anthropic.PermissionDeniedError():
            return "Anthropic does not accept the key. Check ANTHROPIC_API_KEY."
        case anthropic.NotFoundError():
            return "Anthropic has no model of this name. Check ANTHROPIC_MODEL."
        case anthropic.RateLimitError():
            return "Anthropic's rate limit is reached. Try again in a minute."
        case anthropic.BadRequestError():
            return "Anthropic refused the request. Begin a new conversation, and check the account's credit there."
        case anthropic.APIStatusError():
            return "Anthropic can't answer at the moment. Try again in a minute."
        case _:
            return "Anthropic can't be reached. Check the server's network and ANTHROPIC_BASE_URL, and try again."
