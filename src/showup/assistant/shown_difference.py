"""What a change would do, as text for people: the same lines on the page and in Slack. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

_NOTHING: Final = "–"
_DELIVERIES: Final = {None: "nothing", "scheduled": "planned"}


class ChangedField(Struct, frozen=True, kw_only=True):
    """A field of a record: `what` happens to the record, because of what, and the value before and after."""

    what: str
    because: str
    name: str
    before: str
    after: str


class ShownDifference(Struct, frozen=True, kw_only=True):
    """`effects`: what else follows, a sentence each. `omitted`: entries that the difference only counts."""

    fields: Sequence[ChangedField]
    effects: Sequence[str]
    omitted: int


def show(difference: Mapping[str, Any]) -> ShownDifference:
    """Return the difference of an approval, whole: nothing of it is cut."""
    fields, effects = [], []
    for change in difference["changes"]:
        what = _words(change["what"])
        if not change["change"]:
            effects.append(f"{what}: {change['because']}")
        fields += [
            ChangedField(
                what=what, because=change["because"], name=_words(name), before=_text(pair[0]), after=_text(pair[1])
            )
            for name, pair in change["change"].items()
        ]
    effects += [_effect(one) for one in difference["deliveries"]]
    return ShownDifference(fields=fields, effects=effects, omitted=difference["omitted"])


def _effect(delivery: Mapping[str, Any]) -> str:
    to = f" to {delivery['recipient']}" if delivery["recipient"] else ""
    before, after = (_DELIVERIES.get(delivery[name], delivery[name]) for name in ("before", "after"))
    return f"{_words(delivery['kind'])}{to} by {_words(delivery['destination'])}: {before} → {after}"


def _words(name: str) -> str:
    text = name.replace(".", " ").replace("_", " ")
    return f"{text[:1].upper()}{text[1:]}"


def _text(value: Any) -> str:
    match value:
        case None | "":
            return _NOTHING
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case _:
            return json.dumps(value, ensure_ascii=False)
