"""Describe validation errors in plain language: the field, the problem and what was probably meant."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel

from showup.values.counted import counted
from showup.values.invalid_value import InvalidValue

_MAX_INPUT_LENGTH: Final = 80
_MAX_FIELD_LENGTH: Final = 200
_MAX_ERRORS: Final = 20
_MISSING_BODY: Final = 'Send a JSON object as the body, such as {"name": "Acme Corp"}.'
_NOUNS: Final = {"query": "parameter", "body": "field"}


def describe_errors(faults: Sequence[Mapping[str, Any]], route: Any, body: Any = None) -> list[dict[str, str]]:
    """Convert Pydantic's first errors for a request to `route` to `{field, in, detail}`, and count the others.

    `body` is the text of a body that is not JSON.
    """
    described = [_describe_error(fault, route, body) for fault in faults[:_MAX_ERRORS]]
    if omitted := len(faults) - len(described):
        location = str(faults[_MAX_ERRORS]["loc"][0])
        detail = f"There {'is' if omitted == 1 else 'are'} {counted(omitted, 'more error')}. Correct these first."
        described.append({"field": location, "in": location, "detail": detail})
    return described


def _describe_error(fault: Mapping[str, Any], route: Any, body: Any) -> dict[str, str]:
    if fault["type"] == "json_invalid":
        return {"field": "body", "in": "body", "detail": _broken_json_detail(fault, body)}
    # A query parameter that may be repeated is a list; its name says enough.
    location, *path = (str(part) for part in (fault["loc"][:2] if fault["loc"][0] == "query" else fault["loc"]))
    field = _printable((".".join(path) or location)[:_MAX_FIELD_LENGTH])
    if fault["type"] == "extra_forbidden" and location in _NOUNS:
        return {"field": field, "in": location, "detail": _unknown_field_detail(location, path, route)}
    if fault["type"] == "missing":
        detail = f"The {_NOUNS.get(location, location)} {field!r} is required." if path else _MISSING_BODY
        return {"field": field, "in": location, "detail": detail}
    if location == "body" and not path and not isinstance(fault.get("input"), dict):
        return {"field": field, "in": location, "detail": _MISSING_BODY}
    input_text = _printable(_short_input(fault.get("input")))
    error = fault.get("ctx", {}).get("error")
    problem = (
        f"Send {error.expected}" if isinstance(error, InvalidValue) else fault["msg"].removeprefix("Value error, ")
    )
    detail = f"{problem}. You sent {input_text!r}."
    return {"field": field, "in": location, "detail": _printable(detail)}


def _broken_json_detail(fault: Mapping[str, Any], body: Any) -> str:
    """Say where the JSON breaks: line and column count from 1."""
    text, position = body if isinstance(body, str) else "", int(fault["loc"][-1])
    line, column = text.count("\n", 0, position) + 1, position - (text.rfind("\n", 0, position) + 1) + 1
    problem = str(fault.get("ctx", {}).get("error") or "it is not JSON")
    where = "at its end" if position >= len(text.rstrip()) else f"before {_printable(text[position : position + 20])!r}"
    return f"The body is not valid JSON. Line {line}, column {column}, {where}: {problem}."


def _short_input(value: Any) -> str:
    # The text of a whole list or object would be built first, however long.
    if isinstance(value, (list, dict)) and len(value) > _MAX_INPUT_LENGTH:
        return f"{'a list' if isinstance(value, list) else 'an object'} of {counted(len(value), 'value')}"
    return str(value)[:_MAX_INPUT_LENGTH]


def _unknown_field_detail(location: str, path: Sequence[str], route: Any) -> str:
    models = _models_at(location, path[:-1], route)
    name = _printable(path[-1][:_MAX_INPUT_LENGTH])
    for model in models:
        if reason := getattr(model, "rejected_fields", {}).get(name):
            return str(reason)
    known = [info.alias or name_of_field for model in models for name_of_field, info in model.model_fields.items()]
    matches = difflib.get_close_matches(name, known, n=1)
    suggestion = f" Did you mean {matches[0]!r}?" if matches else ""
    return f"Unknown {_NOUNS[location]} {name!r}.{suggestion} Allowed: {', '.join(known)}."


def _models_at(location: str, path: Sequence[str], route: Any) -> list[type[BaseModel]]:
    """Return the models of the parameters or body at `location`, below the fields that `path` names."""
    dependant = getattr(route, "dependant", None)
    fields = getattr(dependant, f"{location}_params", [])
    models = [model_type for field in fields for model_type in _models_in(field.field_info.annotation)]
    for name in path:
        infos = (model.model_fields.get(name) for model in models)
        models = [model_type for info in infos if info is not None for model_type in _models_in(info.annotation)]
    return models


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model_type for part in get_args(annotation) for model_type in _models_in(part)]


def _printable(text: str) -> str:
    """Replace unpaired surrogates, which JSON input may contain but a response cannot encode."""
    return text.encode("utf-8", "replace").decode()
