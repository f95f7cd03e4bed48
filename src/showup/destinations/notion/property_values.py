"""Values as each type of property holds them: what a page says, and what is written to it. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from showup.destinations.notion.update import Day, Entry, Moment, Value, Word

SEARCHABLE: Final = ("email", "title", "rich_text", "url", "formula")
"""The types of a property by which a page can be found by an email address."""

_LONGEST_TEXT: Final = 2000
_YES, _NO = frozenset(("yes", "true", "on", "1")), frozenset(("no", "false", "off", "0"))


class Property(Struct, frozen=True, kw_only=True):
    """A property of a data source; `options` are its words, where it has such."""

    name: str
    type: str
    options: tuple[str, ...] = ()


class Unfit(Exception):
    """The property can't hold the value; the text says why, and what to do."""


def filter_by(found: Property, email: str) -> dict[str, Any]:
    """Finds pages whose property has the email in it: whose it is exactly, whatever the case, is for us to see."""
    condition: dict[str, Any] = {"contains": email}
    if found.type == "formula":
        condition = {"string": condition}
    return {"property": found.name, found.type: condition}


def said(held: Mapping[str, Any] | None) -> str | None:
    """What a page's property says, as text; None where it says nothing, or nothing that is text."""
    kind = (held or {}).get("type", "")
    value: Any = (held or {}).get(kind)
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


def written(found: Property, entry: Entry, held: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The entry's value as the property's type holds it; `held` is what the page says now. Raises Unfit."""
    value = entry.value
    match found.type, value:
        case (("select" | "status"), Word()):
            return {found.type: {"name": _option(found, value.text)}}
        case "multi_select", Word():
            return {"multi_select": [{"name": name} for name in _among_others(found, value, held)]}
        case "date", (Day() | Moment()):
            return {"date": {"start": text_of(value)}}
        case (("rich_text" | "title"), _):
            return {found.type: [{"type": "text", "text": {"content": text_of(value)[:_LONGEST_TEXT]}}]}
        case "checkbox", Moment():
            return {"checkbox": True}
        case "checkbox", Word() if value.text.lower() in _YES | _NO:
            return {"checkbox": value.text.lower() in _YES}
    raise Unfit(
        f"the property {found.name!r} is of the type {found.type}, which can't hold {text_of(value)!r}: "
        f"change its type in Notion, or set {entry.setting}"
    )


def text_of(value: Value) -> str:
    """The value as text; moments and days as ISO 8601 has them."""
    match value:
        case Word():
            return value.text
        case Day():
            return value.day.isoformat()
        case Moment():
            return f"{value.at:%Y-%m-%dT%H:%M:%SZ}"


def _option(found: Property, word: str) -> str:
    """The word as the property spells it. Notion makes new options of a select by itself, but never of a status."""
    spelled = next((one for one in found.options if one.casefold() == word.casefold()), None)
    if spelled is None and found.type == "status":
        has = ", ".join(found.options) or "none"
        raise Unfit(f"the property {found.name!r} has no option {word!r} (it has {has}): add it in Notion")
    return spelled or word


def _among_others(found: Property, word: Word, held: Mapping[str, Any] | None) -> list[str]:
    """What else stands there stays, but for our own words."""
    ours = {one.casefold() for one in (*word.among, word.text)}
    names = [str(one.get("name", "")) for one in (held or {}).get("multi_select") or ()]
    return [*(name for name in names if name.casefold() not in ours), _option(found, word.text)]
