"""A conversation with the assistant as values for its template: questions, tool calls, words, drafts and changes."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.assistant.chat_store import ChatMessage
from showup.assistant.outside_text import MARK
from showup.web.dashboard.chat_tools import ToolLine, tool_line

_LINK: Final = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]]")
_QUOTED: Final = "> "


class TextPart(Struct, frozen=True):
    """A piece of a paragraph. `href`: an address that a tool of Cal.com gave; no other one becomes a link."""

    text: str
    href: str | None = None


class ReplyParagraph(Struct, frozen=True, kw_only=True):
    """A paragraph of words. `is_quote`: text from outside, which the model repeats."""

    parts: Sequence[TextPart]
    is_quote: bool = False


class MailDraft(Struct, frozen=True, kw_only=True):
    """A mail that was drafted, and is not sent. `id` is that of the call, which names its field on the page."""

    id: str
    to: str
    subject: str
    body: str
    mailto: str


class ReplyItem(Struct, frozen=True, kw_only=True):
    """A part of a reply; of the other fields, the one of its kind is set."""

    kind: Literal["tools", "text", "draft", "approval"]
    tools: Sequence[ToolLine] = ()
    paragraphs: Sequence[ReplyParagraph] = ()
    draft: MailDraft | None = None
    approval_id: UUID | None = None


class ChatEntry(Struct, frozen=True, kw_only=True):
    """What a person asked, or what the assistant replied."""

    question: str | None = None
    items: Sequence[ReplyItem] = ()


class ReplyBuilder:
    """Gathers the parts of one reply, as they are stored or as they arrive."""

    def __init__(self) -> None:
        self._items: list[ReplyItem] = []
        self._text = ""
        self._calls: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._links: set[str] = set()

    @property
    def items(self) -> list[ReplyItem]:
        """Return the parts so far."""
        return [*self._items, *self._words()]

    def add_text(self, text: str) -> None:
        """Add words to the paragraph that is being written."""
        self._text += text

    def add_call(self, call_id: str, name: str, arguments: Mapping[str, Any]) -> None:
        """Add the call of a tool; its line appears with its result."""
        self._end_text()
        self._calls[call_id] = (name, arguments)

    def add_result(self, call_id: str, content: Mapping[str, Any], *, is_error: bool) -> None:
        """Add what a tool returned."""
        name, arguments = self._calls.pop(call_id, ("", {}))
        result = _plain(content.get("result", content))
        result = result if isinstance(result, dict) else {}
        line = tool_line(name, arguments, result, is_error=is_error)
        if self._items and self._items[-1].kind == "tools":
            line_before = self._items.pop()
            self._items.append(ReplyItem(kind="tools", tools=[*line_before.tools, line]))
        else:
            self._items.append(ReplyItem(kind="tools", tools=[line]))
        if name.startswith("cal_"):
            self._links |= _addresses(result)
        if name == "draft_mail" and not is_error:
            fields = {one: str(result.get(one, "")).strip() for one in ("to", "subject", "body", "mailto")}
            self._items.append(ReplyItem(kind="draft", draft=MailDraft(id=call_id, **fields)))
            self._links |= _addresses({"url": result.get("link")})
        if (approval_id := _uuid(result.get("approval_id"))) is not None:
            self._items.append(ReplyItem(kind="approval", approval_id=approval_id))

    def _end_text(self) -> None:
        self._items += self._words()
        self._text = ""

    def _words(self) -> list[ReplyItem]:
        texts = (one.strip() for one in re.split(r"\n\s*\n", self._text))
        paragraphs = [_paragraph(one, self._links) for one in texts if one]
        return [ReplyItem(kind="text", paragraphs=paragraphs)] if paragraphs else []


def entries_of(messages: Sequence[ChatMessage]) -> list[ChatEntry]:
    """Return a conversation, oldest entry first; one that was cut begins with a question."""
    entries: list[ChatEntry] = []
    reply = ReplyBuilder()
    for message in messages:
        for block in message.content:
            match block["type"]:
                case "text" if message.role == "user":
                    entries += _ended(reply)
                    reply = ReplyBuilder()
                    entries.append(ChatEntry(question=block["text"]))
                case "text":
                    reply.add_text(block["text"])
                case "tool_use":
                    reply.add_call(block["id"], block["name"], block["input"])
                case "tool_result":
                    content = msgspec.json.decode(block["content"])
                    reply.add_result(block["tool_use_id"], content, is_error=block["is_error"])
                case _:
                    pass
    entries += _ended(reply)
    first = next((place for place, entry in enumerate(entries) if entry.question is not None), len(entries))
    return entries[first:]


def approvals_in(entries: Sequence[ChatEntry]) -> set[UUID]:
    """Return the ids of the changes that were asked for."""
    return {item.approval_id for entry in entries for item in entry.items if item.approval_id is not None}


def latest_draft(entries: Sequence[ChatEntry]) -> str | None:
    """Return the id of the last draft, which is the one that can be rewritten."""
    ids = [item.draft.id for entry in entries for item in entry.items if item.draft is not None]
    return ids[-1] if ids else None


def _ended(reply: ReplyBuilder) -> list[ChatEntry]:
    return [ChatEntry(items=reply.items)] if reply.items else []


def _plain(value: Any) -> Any:
    """Return an answer as people read it: they need no marks around text from outside."""
    if isinstance(value, dict):
        if set(value) == {MARK}:
            return value[MARK]
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _addresses(result: Mapping[str, Any]) -> set[str]:
    items = [result, *(one for one in result.get("event_types", ()) if isinstance(one, dict))]
    found = {str(one.get("url")) for one in items}
    return {one for one in found if one.startswith(("https://", "http://"))}


def _paragraph(text: str, links: Collection[str]) -> ReplyParagraph:
    lines = text.splitlines()
    if not all(one.startswith(_QUOTED) for one in lines):
        return ReplyParagraph(parts=_parts(text, links))
    quoted = "\n".join(one.removeprefix(_QUOTED) for one in lines)
    return ReplyParagraph(parts=[TextPart(quoted)], is_quote=True)


def _parts(paragraph: str, links: Collection[str]) -> list[TextPart]:
    parts, end = [], 0
    for match in _LINK.finditer(paragraph):
        if match[0] in links:
            parts += [TextPart(paragraph[end : match.start()]), TextPart(match[0], href=match[0])]
            end = match.end()
    return [one for one in (*parts, TextPart(paragraph[end:])) if one.text]


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(str(text)) if text else None
    except ValueError:
        return None
