"""What an answer of the chat consists of, and who may begin one. It does without the model's SDK."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from showup.assistant.tool_context import AssistantServices, Caller, ToolFailed

BUSY: Final = "Another answer is being written. Wait until it is complete."
_NO_KEY: Final = "Set ANTHROPIC_API_KEY to a key of Anthropic's API, and restart Showup. MCP works without it."
_MAX_ANSWERS: Final = 20
"""Answers that one process writes at a time: each holds a connection to the model."""

EventKind: TypeAlias = Literal["text", "tool_call", "tool_result", "done", "error"]


class ChatEvent(Struct, frozen=True, kw_only=True):
    """A part of an answer, as it arrives. `done` and `error` are the last."""

    kind: EventKind
    data: dict[str, Any]


Answer: TypeAlias = Callable[[AssistantServices, Caller, UUID, str], AsyncIterator[ChatEvent]]


async def load_answer() -> Answer:
    """Return the function that answers. Its first use imports the SDK, in a thread: other requests must not wait."""
    module = await asyncio.to_thread(import_module, "showup.assistant.chat")
    found: Answer = module.answer
    return found


def require_model(services: AssistantServices) -> str:
    """Return the key of the model's API. Raises ToolFailed, which says what to set."""
    if not services.model.key:
        raise ToolFailed(f"The chat has no language model. {_NO_KEY}")
    return services.model.key


def is_answering(services: AssistantServices, caller: Caller) -> bool:
    """Return whether an answer is being written for the caller: there is one at a time."""
    return (caller.workspace.id, caller.actor) in services.answering


@contextmanager
def answer_slot(services: AssistantServices, caller: Caller) -> Iterator[None]:
    """Write an answer while the block runs. Raises ToolFailed."""
    asker = (caller.workspace.id, caller.actor)
    if asker in services.answering:
        raise ToolFailed(BUSY)
    if len(services.answering) >= _MAX_ANSWERS:
        raise ToolFailed("Many answers are being written at the moment. Ask again in a minute.")
    services.answering.add(asker)
    try:
        yield
    finally:
        services.answering.discard(asker)
