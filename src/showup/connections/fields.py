"""The fields of a connection's form, derived from the settings that the API and the command line accept. Pure."""

from collections.abc import Mapping, Sequence
from inspect import get_annotations
from typing import Any, Final, Literal, TypeAlias

from msgspec import NODEFAULT, Struct, inspect

from showup.destinations.destination_kind import DestinationKind
from showup.destinations.field_words import CHOICES, EXAMPLE, GROUP, IS_NEEDED, IS_RARE

FieldType: TypeAlias = Literal["text", "number", "flag", "choice", "choices", "lines", "pairs"]

_LONGEST_TEXT: Final = 2_000
_PAUSED: Final = "paused"


class SettingField(Struct, frozen=True, kw_only=True):
    """A setting. `default` is its value where none is stored; `is_optional`: it may have none at all.

    `choices` are its possible values with their words. `least` and `most` limit a number, `above` is below all of them.
    """

    name: str
    type: FieldType
    label: str
    help: str = ""
    example: str = ""
    group: str = ""
    default: Any = None
    is_required: bool = False
    is_optional: bool = False
    is_rare: bool = False
    choices: Mapping[str, str] = {}
    max_length: int = _LONGEST_TEXT
    is_whole: bool = False
    above: float | None = None
    least: float | None = None
    most: float | None = None


class SecretField(Struct, frozen=True, kw_only=True):
    """A secret of the connection; `is_required`: without it nothing works."""

    name: str
    label: str
    help: str = ""
    example: str = ""
    is_required: bool = True


def setting_fields(kind: DestinationKind) -> list[SettingField]:
    """Returns the settings of a kind in the order of their declaration, those that most people leave as they are last.

    Whether it is paused is none of them: it has a button of its own.
    """
    declared = inspect.type_info(kind.settings)
    assert isinstance(declared, inspect.StructType), "settings are a struct"
    own = {name: at for at, name in enumerate(_names_by_class(kind.settings))}
    fields = [_field(one) for one in declared.fields if one.name != _PAUSED]
    return sorted(fields, key=lambda one: (one.is_rare, own[one.name]))


def secret_fields(kind: DestinationKind) -> list[SecretField]:
    """Returns the secrets of a kind."""
    fields = []
    for name in kind.all_credentials:
        words = kind.secrets.get(name)
        fields.append(
            SecretField(
                name=name,
                label=_label(name) if words is None else words.title,
                help="" if words is None else words.help,
                example="" if words is None else words.example,
                is_required=name in kind.credentials,
            )
        )
    return fields


def _names_by_class(settings: type[Struct]) -> list[str]:
    """Returns the names of the settings: those that its own class declares first, then those of all connections."""
    classes: Sequence[type] = [one for one in settings.__mro__ if issubclass(one, Struct)]
    return list(dict.fromkeys(name for one in classes for name in get_annotations(one)))


def _field(declared: inspect.Field) -> SettingField:
    type_, words, extra = _unwrapped(declared.type)
    choices: Mapping[str, str] = extra.get(CHOICES) or {}
    types = list(type_.types) if isinstance(type_, inspect.UnionType) else [type_]
    is_optional = any(isinstance(one, inspect.NoneType) for one in types)
    values = [_unwrapped(one)[0] for one in types if not isinstance(one, inspect.NoneType)]
    default = None if declared.default is NODEFAULT else declared.default
    if declared.default_factory is not NODEFAULT:
        default = declared.default_factory()
    return SettingField(
        name=declared.name,
        label=words.get("title") or _label(declared.name),
        help=words.get("description") or "",
        example=extra.get(EXAMPLE) or "",
        group=extra.get(GROUP) or "",
        default=default,
        is_required=declared.required or bool(extra.get(IS_NEEDED)),
        is_optional=is_optional,
        is_rare=bool(extra.get(IS_RARE)),
        **_form_of(values, choices),
    )


def _form_of(types: Sequence[inspect.Type], choices: Mapping[str, str]) -> dict[str, Any]:
    """Returns the field's type and limits; of several types, the one that a form can show the most of counts."""
    for one in types:
        match one:
            case inspect.DictType():
                return {"type": "pairs"}
            case inspect.VarTupleType() | inspect.ListType() | inspect.SetType() | inspect.FrozenSetType():
                return {"type": "choices", "choices": choices} if choices else {"type": "lines"}
            case inspect.BoolType():
                return {"type": "flag"}
            case inspect.LiteralType(values=values):
                return {"type": "choice", "choices": choices or {str(value): _label(str(value)) for value in values}}
            case inspect.StrType(max_length=longest):
                return {"type": "choice", "choices": choices} if choices else _text_form(longest)
            case _:
                pass
    return _number_form(types)


def _text_form(longest: int | None) -> dict[str, Any]:
    return {"type": "text"} if longest is None else {"type": "text", "max_length": longest}


def _number_form(types: Sequence[inspect.Type]) -> dict[str, Any]:
    for one in types:
        if isinstance(one, inspect.IntType | inspect.FloatType):
            is_whole = isinstance(one, inspect.IntType)
            return {"type": "number", "is_whole": is_whole, "above": one.gt, "least": one.ge, "most": one.le}
    raise TypeError(f"a form can't show a setting of the type {types}: describe it in connections/fields.py")


def _unwrapped(type_: inspect.Type) -> tuple[inspect.Type, Mapping[str, Any], Mapping[str, Any]]:
    """Returns the type without its annotations, the words of the annotations, and what they say besides."""
    words: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    while isinstance(type_, inspect.Metadata):
        words = (type_.extra_json_schema or {}) | words
        extra = (type_.extra or {}) | extra
        type_ = type_.type
    return type_, words, extra


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()
