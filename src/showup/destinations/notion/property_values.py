"""Converts values to and from each Notion property type. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from showup.destinations.notion.update import Day, Moment, PropertyEntry, Value, Word

SEARCHABLE: Final = ("email", "title", "rich_text", "url", "formula")
"""The property types that can be searched for an email address."""

_LONGEST_TEXT: Final = 2000
_YES, _NO = frozenset(("yes", "true", "on", "1")), frozenset(("no", "false", "off", "0"))


class Property(Struct, frozen=True, kw_only=True):
    """A property of a data source; `options` are the names of its options, if it has any."""

    name: str
    type: str
    options: tuple[str, ...] = ()


class TypeMismatch(Exception):
    """Raised when the property can't hold the value; the text says why, and what to do."""


def filter_by(found: Property, email: str) -> dict[str, Any]:
    """Returns a filter for pages whose property contains the email; the caller compares exactly."""
    condition: dict[str, Any] = {"contains": email}
    if found.type == "formula":
        condition = {"string": condition}
    return {"property": found.name, found.type: condition}


def plain_text(stored: Mapping[str, Any] | None) -> str | None:
    """Returns a page's property as text; None where it is empty or not text."""
    kind = (stored or {}).get("type", "")
    value: Any = (stored or {}).get(kind)
    match kind, value:
        case (("title" | "rich_text"), list()):
            return "".join(str(part.get("plain_text", "")) for part in value) or None
        case (("select" | "status"), dict()):
            return str(value.get("name", "")) or None
        case "multi_select", list():
            return ", ".join(str(one.get("name", "")) for one in value) or None
        case "date", dict():
            return str(value.get("start") or "") or None
        case "formula", dict():
            return str(value.get(value.get("type", ""), "") or "") or None
        case (("email" | "url" | "phone_number"), str()):
            return value or None
        case _:
            return None


def to_property_value(found: Property, entry: PropertyEntry, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the entry's value for the property's type, given the page's present value. Raises TypeMismatch."""
    value = entry.value
    match found.type, value:
        case (("select" | "status"), Word()):
            return {found.type: {"name": _option(found, value.text)}}
        case "multi_select", Word():
            return {"multi_select": [{"name": name} for name in _merged_options(found, value, stored)]}
        case "date", (Day() | Moment()):
            return {"date": {"start": text_of(value)}}
        case (("rich_text" | "title"), _):
            return {found.type: [{"type": "text", "text": {"content": text_of(value)[:_LONGEST_TEXT]}}]}
        case "checkbox", Moment():
            return {"checkbox": True}
        case "checkbox", Word() if value.text.lower() in _YES | _NO:
            return {"checkbox": value.text.lower() in _YES}
    raise TypeMismatch(
        f"the property {found.name!r} has the type {found.type}, which can't store {text_of(value)!r}: "
        f"change its type in Notion, or set {entry.setting}"
    )


def text_of(value: Value) -> str:
    """Returns the value as text; times and days in ISO 8601."""
    match value:
        case Word():
            return value.text
        case Day():
            return value.day.isoformat()
        case Moment():
            return f"{value.at:%Y-%m-%dT%H:%M:%SZ}"


def _option(found: Property, word: str) -> str:
    """Returns the option as the property spells it. Notion creates new options for a select, but never for a status."""
    spelled = next((one for one in found.options if one.casefold() == word.casefold()), None)
    if spelled is None and found.type == "status":
        has = ", ".join(found.options) or "none"
        raise TypeMismatch(f"the property {found.name!r} has no option {word!r} (it has {has}): add it in Notion")
    return spelled or word


def _merged_options(found: Property, word: Word, stored: Mapping[str, Any] | None) -> list[str]:
    """Keeps the other options; replaces only the words that Showup writes."""
    own_words = {one.casefold() for one in (*word.among, word.text)}
    names = [str(one.get("name", "")) for one in (stored or {}).get("multi_select") or ()]
    return [*(name for name in names if name.casefold() not in own_words), _option(found, word.text)]
