"""Field types of request bodies. Unknown fields are refused."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from showup.companies.domain import registrable_domain
from showup.web.query_params import parse_time

# PostgreSQL accepts no NUL in text.
_TEXT = r"^[^\x00]*$"
_EMAIL = re.compile(r"[^@\s\x00]+@([^@\s\x00/:.]+\.)+[^@\s\x00/:.]+")
_CENT = Decimal("0.01")
_MAX_DURATION = timedelta(days=3650)


def _email(text: str) -> str:
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise ValueError("Send an email address, such as ann@example.com")
    return email


def _domain_name(text: str) -> str:
    domain = text.strip().lower().rstrip(".")
    if not _EMAIL.fullmatch(f"a@{domain}"):
        raise ValueError("Send a domain, such as example.com")
    return domain


def _registrable(domain: str) -> str:
    registrable = registrable_domain(f"@{domain}")
    if registrable is None:
        raise ValueError("Send a domain, such as example.com")
    if registrable != domain:
        raise ValueError(f"A company is identified by its registered domain. Send {registrable}")
    return domain


def _duration(value: Any) -> timedelta:
    if not isinstance(value, str):
        raise ValueError("Send an ISO 8601 duration, such as PT24H or P3D")
    try:
        duration = msgspec.convert(value, timedelta)
    except (msgspec.ValidationError, OverflowError) as fault:
        raise ValueError("Send an ISO 8601 duration, such as PT24H or P3D") from fault
    if not timedelta(0) < duration <= _MAX_DURATION:
        raise ValueError(f"Send a duration of more than zero and at most {_MAX_DURATION.days} days")
    return duration


def _time_zone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError("Send an IANA time zone, such as Europe/Berlin")
    return text


def _web_page(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_valid = not text or (parts.scheme in ("http", "https") and bool(parts.hostname))
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ValueError("Send a web address, such as https://cal.com/ann, or an empty string")
    return text


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("Send a number, such as 12000 or 12000.5")
    return value


def _cents(amount: Decimal) -> Decimal:
    # One canonical form for each amount, without negative zero.
    return abs(amount).quantize(_CENT)


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=_TEXT)]
Note = Annotated[str, Field(max_length=10_000, pattern=_TEXT)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000, pattern=_TEXT)]
Stage = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_TEXT)]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50, pattern=_TEXT)]
Email = Annotated[
    str, Field(max_length=320), AfterValidator(_email), WithJsonSchema({"type": "string", "format": "email"})
]
DomainName = Annotated[str, Field(max_length=253), AfterValidator(_domain_name)]
Domain = Annotated[DomainName, AfterValidator(_registrable)]
DurationText = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "format": "duration", "examples": ["PT24H"]}),
]
TimeZone = Annotated[str, Field(max_length=100, examples=["Europe/Berlin"]), AfterValidator(_time_zone)]
HourOfDay = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
WebPage = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=2_000, pattern=r"^[^\s\x00]*$"),
    AfterValidator(_web_page),
]
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


class RequestBody(BaseModel):
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
