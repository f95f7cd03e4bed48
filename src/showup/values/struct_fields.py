"""Derives the fields of Pydantic models from a msgspec Struct, with its constraints and descriptions."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar, get_args, get_origin

from msgspec import Meta
from msgspec.structs import FieldInfo
from pydantic import BaseModel, Field, create_model

Model = TypeVar("Model", bound=BaseModel)


def field_type(field: FieldInfo) -> Any:
    """Return the field's type as Pydantic reads it: with its validators, without msgspec's metadata."""
    if get_origin(field.type) is not Annotated:
        return field.type
    kind, *metadata = get_args(field.type)
    validators = [one for one in metadata if not isinstance(one, Meta)]
    return Annotated[kind, *validators] if validators else kind


def model_field(field: FieldInfo, kind: Any, default: Any) -> tuple[Any, Any]:
    """Return a model's field of type `kind`, with the lengths, description and examples of the Struct's field.

    The field is required if `default` is `...`.
    """
    metadata = [one for one in getattr(field.type, "__metadata__", ()) if isinstance(one, Meta)]
    names = ("min_length", "max_length", "description", "examples")
    stated = {name: value for one in metadata for name in names if (value := getattr(one, name)) is not None}
    return kind, Field(default, **stated)


def with_fields(fields: Mapping[str, tuple[Any, Any]]) -> Callable[[type[Model]], type[Model]]:
    """Return a class decorator that adds these fields to a model, after its own."""

    def add_fields(model: type[Model]) -> type[Model]:
        added: Any = dict(fields)
        return create_model(model.__name__, __base__=model, __module__=model.__module__, __doc__=model.__doc__, **added)

    return add_fields
