"""Reads and writes the form of a group of rules: text as people write it, JSON values as the log stores them. Pure."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from pydantic import ValidationError

from showup.pipeline.rules import ADDRESS_RULES, Rules
from showup.values.duration import check_duration, parse_short_duration
from showup.values.invalid_value import InvalidValue
from showup.web.api.rules import RuleValues
from showup.web.dashboard.settings.rule_groups import MAILS, RULE_PAGES, RuleField, RuleGroup
from showup.web.http.validation_errors import describe_errors

_FIELDS: Final = {one.rule: one for groups in RULE_PAGES.values() for group in groups for one in group.fields}
_FLAGS: Final = {True: "yes", False: "no"}
_STEPS: Final = {"up": -1, "down": 1}
_UNITS: Final = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))


def form_values(group: RuleGroup, rules: Rules) -> dict[str, str]:
    """Return the fields of the form that shows these rules."""
    values: dict[str, str] = {}
    for field in group.fields:
        values |= _field_values(field, getattr(rules, field.rule))
    return values


def _field_values(field: RuleField, value: Any) -> dict[str, str]:
    match field.kind:
        case "choice":
            return {field.rule: _FLAGS[value] if isinstance(value, bool) else value}
        case "lines" | "stages":
            return {field.rule: "\n".join(sorted(value) if field.rule in ADDRESS_RULES else value)}
        case "durations":
            return {field.rule: ", ".join(short_duration(one) for one in value)}
        case "duration":
            return {field.rule: short_duration(value)}
        case "hours":
            return {f"{field.rule}.from": value[0], f"{field.rule}.to": value[1]}
        case "page":
            return {field.rule: value}
        case "mails":
            return {f"mail.{kind}": "on" for kind in mail_kinds(value) if kind not in value}


def mail_kinds(mails_off: frozenset[str]) -> dict[str, str]:
    """Return the kinds of mail that can be switched off, with the single reminders that are."""
    single = {one: f"Reminder {one.partition('_')[2]} before" for one in sorted(mails_off - set(MAILS))}
    return {**MAILS, **single}


def short_duration(value: timedelta) -> str:
    """Return the duration in its largest whole unit: `3d`, `2h`, `90m`, `45s`."""
    for unit, size in _UNITS:
        if value and not value % size:
            return f"{value // size}{unit}"
    return f"{round(value.total_seconds())}s"


def arrange_stages(form: dict[str, str]) -> dict[str, str]:
    """Return the form of the stages after its button, `up.2`, `down.2` or `remove.2`, and with the new one at the end.

    The number is a place, from 0. A new name that looks like another stage's stays in its field, to be refused.
    """
    if "stages" not in form:
        return form
    stages, added = _lines(form["stages"]), form.get("stages.new", "").strip()
    do, _, place = form.get("do", "").partition(".")
    if do in _STEPS and place.isdecimal() and int(place) < len(stages):
        stages.insert(max(int(place) + _STEPS[do], 0), stages.pop(int(place)))
    elif do == "remove" and place.isdecimal() and int(place) < len(stages):
        del stages[int(place)]
    if added and _like(added, stages) is None:
        stages.append(added)
        added = ""
    return {**form, "stages": "\n".join(stages), "stages.new": added}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _like(name: str, stages: Sequence[str]) -> str | None:
    """Return the stage whose name looks the same on the pages, which begin each with a capital letter."""
    return next((one for one in stages if one.casefold() == name.casefold()), None)


def parse_rules(group: RuleGroup, form: Mapping[str, str], rules: Rules) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the rules of the form that differ from these, as the log stores them; or what is wrong, by field."""
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for field in group.fields:
        try:
            values[field.rule] = _parse(field, form, rules)
        except InvalidValue as fault:
            faults[field.rule] = f"Enter {fault.expected}."
    if faults:
        return {}, faults
    try:
        parsed = RuleValues.model_validate(values).to_changes()
    except ValidationError as error:
        found = describe_errors([{**one, "loc": ("body", *one["loc"])} for one in error.errors()], None)
        return {}, {one["field"].partition(".")[0]: one["detail"] for one in found}
    return {name: value for name, value in parsed.items() if value != stored_value(rules, name)}, {}


def stored_value(rules: Rules, name: str) -> Any:
    """Return the value of a rule as the log stores it."""
    value = msgspec.to_builtins(getattr(rules, name))
    if isinstance(value, (tuple, list)):
        # The log keeps sets in order, so that equal ones are equal.
        return sorted(value) if isinstance(getattr(rules, name), frozenset) else list(value)
    return value


def _parse(field: RuleField, form: Mapping[str, str], rules: Rules) -> Any:
    text = form.get(field.rule, "")
    match field.kind:
        case "choice":
            return _parse_choice(field, text, is_flag=isinstance(getattr(rules, field.rule), bool))
        case "lines" | "stages":
            return _parse_lines(text, added=form.get(f"{field.rule}.new", "").strip())
        case "durations":
            return [_iso(one) for one in text.replace(",", " ").split()]
        case "duration":
            return _iso(text)
        case "hours":
            return [form.get(f"{field.rule}.from", ""), form.get(f"{field.rule}.to", "")]
        case "mails":
            return sorted(kind for kind in mail_kinds(rules.mails_off) if form.get(f"mail.{kind}") != "on")
        case _:
            return text


def _parse_lines(text: str, added: str) -> list[str]:
    lines = _lines(text)
    if added:
        raise InvalidValue(f"another name: there is a stage {_like(added, lines)} already")
    return lines


def _parse_choice(field: RuleField, text: str, *, is_flag: bool) -> str | bool:
    if text not in {one.value for one in field.options}:
        raise InvalidValue("one of the answers")
    return text == "yes" if is_flag else text


def _iso(text: str) -> str:
    return str(msgspec.to_builtins(check_duration(parse_short_duration(text))))


def say_value(name: str, value: Any) -> str:
    """Return a stored value as people read it: an answer by its title, a duration as `3d`."""
    field = _FIELDS.get(name)
    if isinstance(value, list):
        return ", ".join(say_value(name, one) for one in value) or "none"
    if field is not None and field.kind == "choice":
        text = _FLAGS[value] if isinstance(value, bool) else value
        return next((one.title for one in field.options if one.value == text), text)
    if field is not None and field.kind.startswith("duration"):
        return short_duration(msgspec.convert(value, timedelta))
    return str(value) or "none"
