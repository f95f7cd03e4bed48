"""Checks blocks by Slack's Block Kit reference: the kinds that Showup sends, and their limits."""

from collections.abc import Iterator
from typing import Any

_MOST_BLOCKS = 50
_TEXTS = {"mrkdwn", "plain_text"}


def complaints(blocks: Any) -> list[str]:
    """Returns the faults of the blocks."""
    if not isinstance(blocks, list) or not blocks or len(blocks) > _MOST_BLOCKS:
        return [f"no list of 1 to {_MOST_BLOCKS} blocks"]
    found = [complaint for block in blocks for complaint in _of_block(block)]
    actions = [one["action_id"] for block in blocks for one in elements(block) if "action_id" in one]
    return found + ([f"an action twice: {actions}"] if len(set(actions)) < len(actions) else [])


def elements(block: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns all elements of a block, such as buttons."""
    return [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]


def _of_block(block: dict[str, Any]) -> Iterator[str]:
    match block:
        case {"type": "section", **more}:
            yield from _of_section(more)
        case {"type": "context", "elements": [*texts]} if len(texts) <= 10:
            yield from (complaint for one in texts for complaint in _of_text(one, 3000))
        case {"type": "actions", "elements": [*buttons]} if 0 < len(buttons) <= 25:
            yield from (complaint for one in buttons for complaint in _of_button(one))
        case _:
            yield f"no such block: {block.get('type')}"


def _of_section(section: dict[str, Any]) -> Iterator[str]:
    if unknown := section.keys() - {"text", "fields", "accessory"}:
        yield f"a section has no {sorted(unknown)}"
    if "text" in section:
        yield from _of_text(section["text"], 3000)
    fields = section.get("fields", [])
    if len(fields) > 10:
        yield "more than 10 fields"
    yield from (complaint for one in fields for complaint in _of_text(one, 2000))
    if "accessory" in section:
        yield from _of_button(section["accessory"])


def _of_button(button: dict[str, Any]) -> Iterator[str]:
    if button.get("type") != "button" or not button.get("action_id") or len(button["action_id"]) > 255:
        yield f"no button: {button}"
    if len(button.get("value", "")) > 2000 or button.get("style") not in (None, "primary", "danger"):
        yield f"a button that says too much: {button}"
    if button.get("text", {}).get("type") != "plain_text":
        yield "a button's text is plain"
    yield from _of_text(button.get("text", {}), 75)


def _of_text(text: dict[str, Any], longest: int) -> Iterator[str]:
    words = text.get("text", "")
    if text.get("type") not in _TEXTS or not 0 < len(words) <= longest:
        yield f"no text of 1 to {longest} characters: {words[:60]!r}"
    if text.get("type") == "mrkdwn" and words.count("<") != words.count(">"):
        yield f"a link that does not end: {words[:60]!r}"
    if "<!channel" in words or "<!here" in words or "<!everyone" in words:
        yield f"it calls everybody: {words[:60]!r}"
