"""The form of a connection: its settings as text, and what a person entered as settings again. Pure.

The form's fields are `s.` and the name of a setting, `c.` and the name of a secret, and `x.` and the name of a secret
that is to be removed.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from showup.connections.fields import SecretField, SettingField, secret_fields, setting_fields
from showup.destinations.destination_kind import DestinationKind, InvalidSetting
from showup.values.invalid_value import InvalidValue
from showup.web.dashboard.words import sentence

_ADDRESS: Final = "api_url"
_ON: Final = "on"
_LONGEST: Final = 20_000
_LONGEST_SECRET: Final = 2_000


class ConnectionForm(Struct, frozen=True, kw_only=True):
    """The fields of a kind: its secrets, then groups of settings, then those that most people leave as they are."""

    secrets: Sequence[SecretField]
    settings: Sequence[SettingField]

    @property
    def groups(self) -> dict[str, list[SettingField]]:
        """Return the settings by the group that they stand in."""
        groups: dict[str, list[SettingField]] = {}
        for one in self.settings:
            if not one.is_rare:
                groups.setdefault(one.group, []).append(one)
        return groups

    @property
    def rare(self) -> list[SettingField]:
        """Return the settings that are folded."""
        return [one for one in self.settings if one.is_rare]


class EnteredConnection(Struct, frozen=True, kw_only=True):
    """What a form changes. A setting or a secret of None is removed. `faults`: what to correct, by the form's field."""

    settings: Mapping[str, Any] = {}
    secrets: Mapping[str, str | None] = {}
    faults: Mapping[str, str] = {}


def form_of(kind: DestinationKind) -> ConnectionForm:
    """Return the form of a kind."""
    return ConnectionForm(secrets=secret_fields(kind), settings=setting_fields(kind))


def form_values(form: ConnectionForm, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of the form that shows these settings; no secret is among them."""
    values: dict[str, str] = {}
    for field in form.settings:
        value = settings.get(field.name, field.default)
        if field.type == "choices":
            values |= {f"s.{field.name}.{one}": _ON for one in value or () if one in field.choices}
        elif field.type == "flag":
            values |= {f"s.{field.name}": _ON} if value else {}
        else:
            values[f"s.{field.name}"] = _text(field, value)
    return values


def parse_connection(
    kind: DestinationKind, entered: Mapping[str, str], stored: Mapping[str, Any], stored_secrets: frozenset[str]
) -> EnteredConnection:
    """Return what the form changes of what is stored; or what is wrong, beside each field."""
    form = form_of(kind)
    shown = form_values(form, stored)
    settings: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for field in form.settings:
        if not _is_changed(field, entered, shown) and not (field.is_required and not shown.get(f"s.{field.name}")):
            continue
        try:
            settings[field.name] = _parse(field, entered)
        except InvalidValue as fault:
            faults[f"s.{field.name}"] = f"Enter {fault.expected}."
    has_new_address = _ADDRESS in settings and settings[_ADDRESS] != stored.get(_ADDRESS)
    secrets = _parse_secrets(form, entered, stored_secrets, faults, has_new_address=has_new_address)
    faults = faults or _faults_of_settings(kind, form, stored, settings)
    return EnteredConnection(settings=settings, secrets=secrets, faults=faults)


def fault_words(setting: str, because: str) -> str:
    """Return why a setting can't be used, without its name, which the field's label says in other words."""
    words = re.sub(rf"^`?{re.escape(setting)}`?(?: is (?:'[^']*'|\"[^\"]*\"|[^:'\"]*))?: ", "", because)
    return f"{sentence(words).rstrip('.')}."


def _is_changed(field: SettingField, entered: Mapping[str, str], shown: Mapping[str, str]) -> bool:
    if field.type == "choices":
        names = [f"s.{field.name}.{one}" for one in field.choices]
        return any((entered.get(name) == _ON) != (shown.get(name) == _ON) for name in names)
    if field.type != "flag" and f"s.{field.name}" not in entered:
        # A form that an earlier version of Showup made does not have it.
        return False
    before, after = (_lines(one.get(f"s.{field.name}", "")) for one in (shown, entered))
    # PostgreSQL keeps pairs in an order of its own.
    return sorted(before) != sorted(after) if field.type == "pairs" else before != after


def _text(field: SettingField, value: Any) -> str:
    if value is None:
        return ""
    match field.type:
        case "lines":
            return "\n".join(map(str, value))
        case "pairs" if isinstance(value, Mapping):
            return "\n".join(f"{key} = {one}" for key, one in value.items())
        case "pairs":
            parts = [part.partition("=") for part in str(value).split(",") if part.strip()]
            return "\n".join(f"{key.strip()} = {one.strip()}" for key, _, one in parts)
        case "number" if isinstance(value, float):
            return f"{value:g}"
        case _:
            return str(value)


def _parse(field: SettingField, entered: Mapping[str, str]) -> Any:
    """Return the value of a setting as it is stored; None to store none. Raises InvalidValue."""
    text = entered.get(f"s.{field.name}", "")
    if len(text) > (_LONGEST if field.type in ("lines", "pairs") else field.max_length):
        raise InvalidValue(f"at most {field.max_length:,} characters")
    match field.type:
        case "flag":
            return text == _ON
        case "choices":
            return [one for one in field.choices if entered.get(f"s.{field.name}.{one}") == _ON]
        case _ if not text and field.is_required:
            raise InvalidValue(f"it. {field.help}".rstrip(". "))
        case _ if not text and field.is_optional:
            return None
        case _:
            return _parse_text(field, text)


def _parse_text(field: SettingField, text: str) -> Any:
    match field.type:
        case "lines":
            return _lines(text)
        case "pairs":
            return _pairs(text)
        case "choice" if text not in field.choices:
            raise InvalidValue("one of the choices")
        case "number":
            return _number(field, text)
        case _:
            return text


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _pairs(text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in _lines(text):
        key, sign, value = (part.strip() for part in line.partition("="))
        if not sign or not key or not value:
            raise InvalidValue(f"two parts with = between them in each line; this has not: {line[:80]}")
        if key in pairs:
            raise InvalidValue(f"each name once; this is there twice: {key[:80]}")
        pairs[key] = value
    return pairs


def _number(field: SettingField, text: str) -> float:
    limits = [f"at least {field.least:,g}"] if field.least is not None else []
    limits += [f"more than {field.above:,g}"] if field.above is not None else []
    limits += [f"at most {field.most:,g}"] if field.most is not None else []
    noun = "a whole number" if field.is_whole else "a number"
    expected = InvalidValue(", ".join(filter(None, (noun, " and ".join(limits)))))
    try:
        number = int(text) if field.is_whole else float(text)
    except ValueError:
        raise expected from None
    # Each comparison with "not a number" is false.
    is_enough = (field.least is None or number >= field.least) and (field.above is None or number > field.above)
    if not math.isfinite(number) or not is_enough or not (field.most is None or number <= field.most):
        raise expected
    return number


def _parse_secrets(
    form: ConnectionForm,
    entered: Mapping[str, str],
    stored: frozenset[str],
    faults: dict[str, str],
    *,
    has_new_address: bool,
) -> dict[str, str | None]:
    """Return the new secrets, and None for those to remove. An empty field keeps what is stored."""
    secrets: dict[str, str | None] = {}
    for field in form.secrets:
        text, name = entered.get(f"c.{field.name}", ""), f"c.{field.name}"
        if len(text) > _LONGEST_SECRET or not text.isprintable():
            faults[name] = f"Paste the secret alone: at most {_LONGEST_SECRET:,} characters, in one line."
        elif text:
            secrets[field.name] = text
        elif entered.get(f"x.{field.name}") == _ON and not field.is_required:
            secrets[field.name] = None
        elif field.name in stored and has_new_address:
            # Otherwise, who may change the address and never sees the secret could send it to their own server.
            faults[name] = "Enter it again: Showup sends no stored secret to a new address."
        elif field.is_required and field.name not in stored:
            faults[name] = f"Enter it. {field.help}".strip()
        elif has_new_address:
            secrets[field.name] = None
    return secrets


def _faults_of_settings(
    kind: DestinationKind, form: ConnectionForm, stored: Mapping[str, Any], changes: Mapping[str, Any]
) -> dict[str, str]:
    merged = {name: value for name, value in {**stored, **changes}.items() if value is not None}
    try:
        kind.parse_settings(merged).check()
    except InvalidSetting as fault:
        name = fault.setting if fault.setting in {one.name for one in form.settings} else None
        return {"": f"{sentence(str(fault))}."} if name is None else {f"s.{name}": fault_words(name, fault.reason)}
    return {}


def shown_value(field: SettingField, values: Mapping[str, str], prefix: str = "") -> str:
    """Return what a form's fields say of a setting, in words; `prefix` begins the names of the fields."""
    name = f"{prefix}s.{field.name}"
    match field.type:
        case "flag":
            return "yes" if values.get(name) == _ON else "no"
        case "choices":
            return ", ".join(words for one, words in field.choices.items() if values.get(f"{name}.{one}") == _ON)
        case "choice":
            return field.choices.get(values.get(name, ""), "")
        case _:
            return ", ".join(_lines(values.get(name, "")))
