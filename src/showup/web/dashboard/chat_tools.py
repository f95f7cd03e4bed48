"""A call of a tool as a line for people: what was done, how much it found, and the pages of the records."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from showup.assistant.catalogue import TOOLS
from showup.assistant.planned_changes import CHANGES
from showup.web.dashboard.words import clipped, count

_DONE: Final = {
    "cal_get_event_types": "Looked up your event types",
    "cal_check_availability": "Checked when you are free",
    "cal_get_booking_link": "Got your booking link",
    "search_people": "Searched people",
    "search_companies": "Searched companies",
    "search_deals": "Searched deals",
    "search_bookings": "Searched meetings",
    "explain_deal": "Read the deal's timeline",
    "list_unmatched_bookings": "Listed unmatched meetings",
    "today": "Looked at today",
    "funnel": "Counted the funnel",
    "needs_attention": "Looked at what needs a person",
    "record_outcome": "Asked to record an outcome",
    "move_deal": "Asked to move a deal",
    "link_booking": "Asked to link a meeting",
    "draft_mail": "Drafted a mail",
    "list_my_requests": "Listed what was asked for",
}
# The lists of answers, by the noun that counts one of their items.
_NOUNS: Final = {
    "people": ("person", "people"),
    "companies": ("company", "companies"),
    "deals": ("deal", "deals"),
    "bookings": ("meeting", "meetings"),
    "meetings": ("meeting", "meetings"),
    "slots": ("free time", "free times"),
    "event_types": ("event type", "event types"),
    "unmatched": ("attendee", "attendees"),
    "changes": ("change", "changes"),
    "items": ("thing", "things"),
    "requests": ("request", "requests"),
}
_TITLES: Final = {tool.name: tool.title for tool in TOOLS}
# What a call was asked, in the order of its tool: ids tell a person nothing, and a draft is shown itself.
_UNTOLD: Final = frozenset({"subject", "body", "dry_run", "limit"})
_FIELDS: Final = {
    tool.name: [one for one in tool.arguments.model_fields if one not in _UNTOLD and not one.endswith("_id")]
    for tool in TOOLS
}
_PAGES: Final = ("people", "companies", "deals", "bookings")
_MAX_RECORDS: Final = 5
_MAX_SHOWN: Final = 1_500


class FoundRecord(Struct, frozen=True, kw_only=True):
    """A record that a search found, with the path of its page."""

    path: str
    name: str


class ToolLine(Struct, frozen=True, kw_only=True):
    """A tool that was called: what it did, what it was asked, how much it found, and the call and its answer as text.

    `records` are the first that it found.
    """

    title: str
    about: str
    found: str
    call: str
    answer: str
    records: Sequence[FoundRecord]
    is_error: bool


def tool_line(name: str, arguments: Mapping[str, Any], result: Mapping[str, Any], *, is_error: bool) -> ToolLine:
    """Return the line of a call; `result` has no marks around text from outside."""
    about = ", ".join(str(arguments[key]) for key in _FIELDS.get(name, ()) if key in arguments)
    records = _records(result)
    listed = next((key for key in _NOUNS if isinstance(result.get(key), list)), None)
    if listed is not None:
        found = records[0].name if len(result[listed]) == len(records) == 1 else _counted(result, listed)
    else:
        # A change that waits has a card, and a draft its box.
        is_shown = not is_error and ("approval_id" in result or name == "draft_mail")
        found = "" if is_shown else clipped(str(result.get("refused") or result.get("note") or ""))
    return ToolLine(
        title=_title(name, result, is_error=is_error),
        about=clipped(about),
        found=found,
        call=_cut(f"{name} {_json(arguments)}"),
        answer=_cut(_json(result)),
        records=records,
        is_error=is_error,
    )


def _title(name: str, result: Mapping[str, Any], *, is_error: bool) -> str:
    """Return what was done; of a call that did nothing, the name of the tool."""
    is_done = not is_error and (name not in CHANGES or "approval_id" in result)
    return (_DONE if is_done else _TITLES).get(name, "An unknown tool")


def _counted(result: Mapping[str, Any], listed: str) -> str:
    return count(len(result[listed]), *_NOUNS[listed])


def _records(result: Mapping[str, Any]) -> list[FoundRecord]:
    noun = next((one for one in _PAGES if isinstance(result.get(one), list)), None)
    rows = [] if noun is None else [one for one in result[noun] if isinstance(one, dict) and one.get("id")]
    named = [(one["id"], _name(one)) for one in rows[:_MAX_RECORDS]]
    return [FoundRecord(path=f"{noun}/{record_id}", name=clipped(name)) for record_id, name in named if name]


def _name(record: Mapping[str, Any]) -> str:
    """Return what a record is called: a deal has the name of its company."""
    value = record.get("name") or record.get("title") or record.get("company") or ""
    return str(value.get("name") or value.get("domain") or "") if isinstance(value, dict) else str(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
