"""Our part of a task's description: one block for each booking, put in once and replaced from then on. Pure.

A description comes back from ClickUp as its editor writes it, so a block is known by words that no editor changes.
"""

import re
from uuid import UUID

_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~!])")


def mark(of: UUID) -> str:
    """By which what we wrote is known again: twelve digits are enough within one list.

    They are the last ones: ids that are made at one moment begin alike.
    """
    return f"Showup {of.hex[-12:]}"


def block(title: str, lines: list[str], marked: str) -> str:
    """The block as Markdown; title and lines are Markdown already, on one line each."""
    return "\n".join([f"**{title}** ({marked})", *(f"- {line}" for line in lines), f"(end of {marked})"])


def with_block(description: str, fresh: str, marked: str) -> str:
    """The description with the fresh block in place of the one that it has, or below everything else."""
    begin = rf"^(?:(?!end of {marked})[^\n])*\b{marked}\b[^\n]*$"
    whole = rf"{begin}.*?^[^\n]*\bend of {marked}\b[^\n]*$"
    for pattern in (re.compile(whole, re.DOTALL | re.MULTILINE), re.compile(begin, re.MULTILINE)):
        if pattern.search(description):
            return pattern.sub(lambda _: fresh, description, count=1)
    kept = description.rstrip()
    return f"{kept}\n\n{fresh}" if kept else fresh


def escaped(text: str) -> str:
    """Somebody's words as Markdown that says just them."""
    return _SPECIAL.sub(r"\\\1", text)
