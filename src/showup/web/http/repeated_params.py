"""A repeated query parameter: several values of a filter mean "any of them", and any other parameter is refused."""

from collections import Counter

from fastapi import Request
from pydantic import BaseModel

from showup.web.http.problems import Refusal
from showup.web.http.query_params import is_any_of


async def refuse_repeated(request: Request) -> None:
    """Refuse a parameter that stands several times and takes one value: otherwise the last one would win silently."""
    counts = Counter(name for name, _ in request.query_params.multi_items())
    repeated = [name for name, count in counts.items() if count > 1 and name not in _repeatable(request)]
    if repeated:
        detail = "Send this parameter once: it takes one value."
        raise Refusal("invalid", errors=[{"field": name, "in": "query", "detail": detail} for name in repeated])


def _repeatable(request: Request) -> set[str]:
    route = request.scope.get("route")
    params = getattr(getattr(route, "dependant", None), "query_params", ())
    models = [param.field_info.annotation for param in params]
    return {
        info.alias or name
        for model in models
        if isinstance(model, type) and issubclass(model, BaseModel)
        for name, info in model.model_fields.items()
        if is_any_of(info)
    }
