"""Query parameters that all routes share. Unknown parameters are refused."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, get_origin
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, field_validator
from pydantic.fields import FieldInfo

from showup.reads.keyset import PageRequest, Sorts
from showup.reads.search import check_search
from showup.values.storable import check_storable
from showup.web.http.paging import build_page_request

_TIME_PATTERN = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?")


def parse_time(value: Any) -> Any:
    """Parse a date, or a time with its zone, as a time in UTC. Raises ValueError with the expected format."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _TIME_PATTERN.fullmatch(value):
        raise ValueError(
            "Send a date, such as 2026-03-14 (00:00 UTC), or a time with a time zone, such as 2026-03-14T15:00:00Z."
            " In a URL, write the + of a time zone as %2B"
        )
    try:
        parsed = datetime.fromisoformat(value.upper())
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"This date or time does not exist: {error}") from error


Timestamp = Annotated[
    datetime,
    BeforeValidator(parse_time),
    WithJsonSchema(
        {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}], "examples": ["2026-03-01"]}
    ),
]
ShortText = Annotated[str, Field(min_length=1, max_length=200)]
SearchText = Annotated[str, Field(max_length=200), AfterValidator(check_search)]


SIMULATED = "`true`: only sample and simulated data, `false`: only real data."


def any_of(description: str = "") -> Any:
    """Return the field of a filter that may be repeated: an item matches if it has any of the values."""
    return Field(
        default_factory=list, max_length=50, description=f"{description} Repeat it for any of several.".strip()
    )


def is_any_of(info: FieldInfo) -> bool:
    """Return whether a query parameter may be repeated."""
    return get_origin(info.annotation) is list


class StorableModel(BaseModel):
    """Base class of query parameters and request bodies: no field, at any depth, has text that can't be stored."""

    @field_validator("*", mode="before")
    @classmethod
    def _check_storable(cls, value: Any) -> Any:
        check_storable(value)
        return value


class WorkspaceQuery(StorableModel):
    """Query parameters of every route."""

    model_config = ConfigDict(extra="forbid")

    workspace: ShortText | None = Field(
        None, description="Slug of a workspace. Limits a key for all workspaces to this one.", examples=["default"]
    )


class ListQuery(WorkspaceQuery):
    """Query parameters of every list; each list defines its own `sort`."""

    limit: int = Field(50, ge=1, le=200, description="Maximum number of items on a page.")
    cursor: str | None = Field(
        None, max_length=2000, description="`next_cursor` of the previous page, with the same `sort`."
    )
    sort: str

    id_type: ClassVar[type[UUID] | type[int]] = UUID
    """The type of the items' ids."""

    def page_request(self, sorts: Sorts) -> PageRequest:
        """Return the requested page. Refuses an invalid cursor."""
        return build_page_request(
            sort=self.sort, limit=self.limit, cursor=self.cursor, sorts=sorts, id_type=self.id_type
        )
