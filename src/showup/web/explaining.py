"""What can't be understood in a request, said in words: which field, what is wrong with it, and what was meant."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from pydantic import BaseModel

_SHOWN_AT_MOST: Final = 80
_NOUNS: Final = {"query": "parameter", "body": "field"}


def explained(faults: Sequence[Mapping[str, Any]], route: Any) -> list[dict[str, str]]:
    """Pydantic's errors for a request to `route` as `{field, in, detail}`."""
    return [_explained(fault, route) for fault in faults]


def _explained(fault: Mapping[str, Any], route: Any) -> dict[str, str]:
    place, *path = (str(part) for part in fault["loc"])
    field = _printable(".".join(path) or place)
    if fault["type"] == "extra_forbidden" and place in _NOUNS:
        return {"field": field, "in": place, "detail": _unknown(place, path, route)}
    sent = _printable(str(fault.get("input"))[:_SHOWN_AT_MOST])
    detail = f"{fault['msg'].removeprefix('Value error, ')}. You sent {sent!r}."
    return {"field": field, "in": place, "detail": _printable(detail)}


def _unknown(place: str, path: Sequence[str], route: Any) -> str:
    models = _models(place, path[:-1], route)
    name = _printable(path[-1][:_SHOWN_AT_MOST])
    for model in models:
        if why := getattr(model, "not_here", {}).get(name):
            return str(why)
    known = [info.alias or each for model in models for each, info in model.model_fields.items()]
    near = difflib.get_close_matches(name, known, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no {_NOUNS[place]} {name!r}.{meant} Known here: {', '.join(known)}."


def _models(place: str, path: Sequence[str], route: Any) -> list[type[BaseModel]]:
    """The models whose fields may stand there, below the fields that `path` names."""
    dependant = getattr(route, "dependant", None)
    fields = getattr(dependant, f"{place}_params", [])
    models = [found for field in fields for found in _within(field.field_info.annotation)]
    for name in path:
        infos = (model.model_fields.get(name) for model in models)
        models = [found for info in infos if info is not None for found in _within(info.annotation)]
    return models


def _within(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _within(part)]


def _printable(text: str) -> str:
    """JSON may hold halves of characters, which no answer can be written with."""
    return text.encode("utf-8", "replace").decode()
