"""Field types of request bodies. Unknown fields are refused."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from showup.companies.domain import registrable_domain
from showup.values.domain_name import DomainName
from showup.values.invalid_value import InvalidValue
from showup.web.http.query_params import StorableModel, parse_time

_CENT = Decimal("0.01")


def _registrable(domain: str) -> str:
    registrable = registrable_domain(f"@{domain}")
    if registrable is None:
        raise InvalidValue("a domain such as example.com")
    if registrable != domain:
        raise ValueError(f"A company is identified by its registered domain. Send {registrable}")
    return domain


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("Send a number, such as 12000 or 12000.5")
    return value


def _cents(amount: Decimal) -> Decimal:
    # One canonical form for each amount, without negative zero.
    return abs(amount).quantize(_CENT)


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Note = Annotated[str, Field(max_length=10_000)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
CompanyDomain = Annotated[DomainName, AfterValidator(_registrable)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$", description="ISO 4217.", examples=["USD"])]
Amount = Annotated[
    Decimal,
    BeforeValidator(_number),
    Field(ge=0, lt=10**12, decimal_places=2, description="In units of the currency, at most two decimals."),
    AfterValidator(_cents),
    WithJsonSchema({"type": "number", "minimum": 0, "exclusiveMaximum": 10**12, "multipleOf": 0.01}),
]


def _since(value: Any) -> Any:
    return value if value in ("now", "always") else parse_time(value)


Since: TypeAlias = Annotated[
    Literal["now", "always"] | datetime,
    BeforeValidator(_since),
    Field(description="`now`, `always` (the whole history), or a time.", examples=["now"]),
]


def _complete_schema(schema: dict[str, Any], model: type["RequestBody"]) -> None:
    for field in schema.get("properties", {}).values():
        # An omitted field keeps its value; null is refused, so the schema does not show it.
        if field.get("default", ...) is None:
            del field["default"]
            (schema_option,) = (option for option in field.pop("anyOf") if option != {"type": "null"})
            field.update(schema_option)
    if model.example:
        schema["examples"] = [dict(model.example)]
    if model.requires_any:
        schema["minProperties"] = 1


class RequestBody(StorableModel):
    """Base class of the request bodies of commands.

    `rejected_fields` explains, by name, why a field that a caller may expect is refused. With `requires_any`, at least
    one field is required. `example` is shown in the documentation.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=_complete_schema)

    rejected_fields: ClassVar[Mapping[str, str]] = {}
    requires_any: ClassVar[bool] = False
    example: ClassVar[Mapping[str, Any]] = {}

    @field_validator("*", mode="before")
    @classmethod
    def _reject_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("The value can't be null. Omit the field to keep its current value")
        return value

    @model_validator(mode="after")
    def _require_any(self) -> Self:
        if self.requires_any and not self.model_fields_set:
            raise ValueError(f"Send at least one of {', '.join(type(self).model_fields)}")
        return self
