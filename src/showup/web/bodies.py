"""What may stand in a body: every command's has these kinds of fields, and refuses what it does not know."""

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
from showup.web.questions import moment

# PostgreSQL knows no NUL in a text.
_TEXT = r"^[^\x00]*$"
_EMAIL = re.compile(r"[^@\s\x00]+@([^@\s\x00/:.]+\.)+[^@\s\x00/:.]+")
_LEAST_UNIT = Decimal("0.01")
_LONGEST = timedelta(days=3650)


def _email(text: str) -> str:
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email):
        raise ValueError("Write an email address, such as ann@example.com")
    return email


def _domain_name(text: str) -> str:
    domain = text.strip().lower().rstrip(".")
    if not _EMAIL.fullmatch(f"a@{domain}"):
        raise ValueError("Write a domain, such as example.com")
    return domain


def _registered(domain: str) -> str:
    known = registrable_domain(f"@{domain}")
    if known is None:
        raise ValueError("Write a domain, such as example.com")
    if known != domain:
        raise ValueError(f"A company is known by the domain that it registered: write {known}")
    return domain


def _span(sent: Any) -> timedelta:
    if not isinstance(sent, str):
        raise ValueError("Write a span as an ISO 8601 duration, such as PT24H or P3D")
    try:
        span = msgspec.convert(sent, timedelta)
    except (msgspec.ValidationError, OverflowError) as fault:
        raise ValueError("Write a span as an ISO 8601 duration, such as PT24H or P3D") from fault
    if not timedelta(0) < span <= _LONGEST:
        raise ValueError(f"Write a span of more than nothing and at most {_LONGEST.days} days")
    return span


def _time_zone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError("Write an IANA time zone, such as Europe/Berlin")
    return text


def _web_page(text: str) -> str:
    try:
        parts = urlsplit(text)
        known = not text or (parts.scheme in ("http", "https") and bool(parts.hostname))
    except ValueError:
        known = False
    if not known:
        raise ValueError("Write an address, such as https://cal.com/ann, or nothing")
    return text


def _number(sent: Any) -> Any:
    if isinstance(sent, bool) or not isinstance(sent, (int, float)):
        raise ValueError("Write a number, such as 12000 or 12000.5")
    return sent


def _cents(amount: Decimal) -> Decimal:
    # One way to write each amount, and no zero below zero.
    return abs(amount).quantize(_LEAST_UNIT)


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=_TEXT)]
Note = Annotated[str, Field(max_length=10_000, pattern=_TEXT)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000, pattern=_TEXT)]
Stage = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_TEXT)]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50, pattern=_TEXT)]
Email = Annotated[
    str, Field(max_length=320), AfterValidator(_email), WithJsonSchema({"type": "string", "format": "email"})
]
DomainName = Annotated[str, Field(max_length=253), AfterValidator(_domain_name)]
Domain = Annotated[DomainName, AfterValidator(_registered)]
Span = Annotated[
    timedelta, BeforeValidator(_span), WithJsonSchema({"type": "string", "format": "duration", "examples": ["PT24H"]})
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


def _since(sent: Any) -> Any:
    return sent if sent in ("now", "always") else moment(sent)


Since: TypeAlias = Annotated[
    Literal["now", "always"] | datetime,
    BeforeValidator(_since),
    Field(description="`now`, `always` (in the whole history), or a moment.", examples=["now"]),
]


def _completed(schema: dict[str, Any], body: type["Body"]) -> None:
    for field in schema.get("properties", {}).values():
        # A field may be left out, and then stays as it is; null is refused, so the document shows none.
        if field.get("default", ...) is None:
            del field["default"]
            (known,) = (kind for kind in field.pop("anyOf") if kind != {"type": "null"})
            field.update(known)
    if body.example:
        schema["examples"] = [dict(body.example)]
    if body.needs_any:
        schema["minProperties"] = 1


class Body(BaseModel):
    """The body of every command. `not_here` says, by name, why a field that one may look for is refused.

    `needs_any`: nothing in it has to be there, but something has; `example` is shown in the documentation.
    """

    model_config = ConfigDict(extra="forbid", json_schema_extra=_completed)

    not_here: ClassVar[Mapping[str, str]] = {}
    needs_any: ClassVar[bool] = False
    example: ClassVar[Mapping[str, Any]] = {}

    @field_validator("*", mode="before")
    @classmethod
    def _never_null(cls, sent: Any) -> Any:
        if sent is None:
            raise ValueError("It can't be cleared with null: leave it out to leave it as it is")
        return sent

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.needs_any and not self.model_fields_set:
            raise ValueError(f"Give at least one of {', '.join(type(self).model_fields)}")
        return self
