"""Reads a TypeScript type from the documentation, and checks JSON values against it.

It knows what seed 002's type needs: objects, `Array<…>`, `A | B`, and the names of JSON's types.
"""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

TsType: TypeAlias = dict[str, Any]

PAGE: Final = Path(__file__).parents[2] / "docs" / "FUNNEL.md"
_TOKEN: Final = re.compile(r"[A-Za-z_]\w*|[{}<>:;|]")
_SIMPLE: Final[dict[str, Callable[[Any], bool]]] = {
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


def read_type(name: str) -> TsType:
    """Returns the type with this name, as docs/FUNNEL.md declares it."""
    declared = re.search(rf"^( *)type {name} = (\{{.*?^\1\}});", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert declared is not None, f"docs/FUNNEL.md declares no type {name}"
    text = re.sub(r"//[^\n]*", "", declared[2])
    tokens = _TOKEN.findall(text)
    assert "".join(tokens) == re.sub(r"\s", "", text), "the type has something that is not understood"
    found = _union(tokens)
    assert tokens == []
    return found


def _union(tokens: list[str]) -> TsType:
    options = [_single(tokens)]
    while tokens and tokens[0] == "|":
        tokens.pop(0)
        options.append(_single(tokens))
    return options[0] if len(options) == 1 else {"any": options}


def _single(tokens: list[str]) -> TsType:
    token = tokens.pop(0)
    if token == "Array":
        assert tokens.pop(0) == "<"
        item = _union(tokens)
        assert tokens.pop(0) == ">"
        return {"items": item}
    if token != "{":
        return {"simple": token}
    fields = {}
    while tokens[0] != "}":
        name, colon = tokens.pop(0), tokens.pop(0)
        assert colon == ":"
        fields[name] = _union(tokens)
        assert tokens.pop(0) == ";"
    tokens.pop(0)
    return {"fields": fields}


def conforms(value: Any, kind: TsType) -> bool:
    """Returns whether a JSON value has the type, with its fields in this order and no other."""
    if "any" in kind:
        return any(conforms(value, option) for option in kind["any"])
    if "items" in kind:
        return isinstance(value, list) and all(conforms(item, kind["items"]) for item in value)
    if "fields" in kind:
        fields = kind["fields"]
        return (
            isinstance(value, dict)
            and list(value) == list(fields)
            and all(conforms(value[name], field) for name, field in fields.items())
        )
    return _SIMPLE[kind["simple"]](value)


def assert_type(value: Any, kind: TsType) -> None:
    """Checks a whole answer; the names of its times are those of seed 002, and their form is RFC 3339."""
    assert conforms(value, kind), value
    times = [value["timestamp"], *(row[name] for row in value["bookings"] for name in ("booked_at", "scheduled_time"))]
    assert all(datetime.fromisoformat(time).tzinfo is not None for time in times)
    assert all(isinstance(row["campaign_id"], int) for row in value["bookings"])
