"""Showup's part of a task's description: one block per booking, added once and then replaced. Pure.

ClickUp returns a description as its editor rewrites it, so a block is recognised by words that the editor keeps.
"""

import re
from uuid import UUID

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~!])")


def marker_of(id_: UUID) -> str:
    """Returns the mark by which a block is recognised: twelve digits are enough within one list.

    They are the last digits, because ids created at the same moment begin alike.
    """
    return f"Showup {id_.hex[-12:]}"


def block(title: str, lines: list[str], marker: str) -> str:
    """Returns the block as Markdown; title and lines are Markdown already, on one line each."""
    return "\n".join([f"**{title}** ({marker})", *(f"- {line}" for line in lines), f"(end of {marker})"])


def with_block(description: str, new_block: str, marker: str) -> str:
    """Returns the description with the new block in place of its old one, or appended at the end."""
    begin = rf"^(?:(?!end of {marker})[^\n])*\b{marker}\b[^\n]*$"
    full_pattern = rf"{begin}.*?^[^\n]*\bend of {marker}\b[^\n]*$"
    for pattern in (re.compile(full_pattern, re.DOTALL | re.MULTILINE), re.compile(begin, re.MULTILINE)):
        if pattern.search(description):
            return pattern.sub(lambda _: new_block, description, count=1)
    existing = description.rstrip()
    return f"{existing}\n\n{new_block}" if existing else new_block


def escaped(text: str) -> str:
    """Escapes a person's text so that Markdown shows exactly that text."""
    return _SPECIAL.sub(r"\\\1", text)
