"""Texts with placeholders, which people set over the API: no loops, conditions or expressions, so all are harmless."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Struct

_MAX_LENGTH: Final = 1_000
# `{{ name }}` too: older versions had templates, and their plain variables still work.
_PART: Final = re.compile(r"\{\{\s*(?P<old>\w+)\s*\}\}|\{(?P<name>\w+)\}|(?P<brace>[{}])")
_HOW: Final = "write placeholders as {name}; conditions, loops and expressions are not supported"


class PlaceholderText(Struct, frozen=True):
    """A parsed text: what stands before each placeholder with its name, and the rest."""

    parts: tuple[tuple[str, str], ...]
    rest: str

    def fill(self, values: Mapping[str, str | None]) -> str:
        """Returns the text with the values; nothing in place of None. Values are never parsed."""
        return "".join(f"{before}{values[name] or ''}" for before, name in self.parts) + self.rest


def parse_placeholders(text: str, allowed: Collection[str]) -> PlaceholderText:
    """Parses a text with placeholders of these names. Raises ValueError, which says what is wrong."""
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"it has {len(text)} characters: use at most {_MAX_LENGTH}")
    parts, end = [], 0
    for found in _PART.finditer(text):
        name = found["old"] or found["name"]
        if name is None:
            raise ValueError(f"the brace at character {found.start() + 1} belongs to no placeholder: {_HOW}")
        if name not in allowed:
            known = ", ".join(f"{{{one}}}" for one in allowed)
            raise ValueError(f"there is no placeholder {{{name}}}: use {known}")
        parts.append((text[end : found.start()], name))
        end = found.end()
    return PlaceholderText(tuple(parts), text[end:])
