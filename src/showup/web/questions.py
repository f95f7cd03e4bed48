"""What may stand in a query: every list and every detail has these, and refuses what it does not know."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from showup.reads.keyset import Ask, Sorts
from showup.web.paging import ask_for

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?")


def moment(sent: Any) -> Any:
    """A date, or a time with its zone, as a moment in UTC. Raises ValueError that says how to write one."""
    if isinstance(sent, datetime):
        return sent
    if not isinstance(sent, str) or not _MOMENT.fullmatch(sent):
        raise ValueError(
            "Write a date (2026-03-14, its first moment in UTC) or a time with its zone"
            " (2026-03-14T15:00:00Z); in a URL the + of a zone is %2B"
        )
    try:
        written = datetime.fromisoformat(sent.upper())
        return written.replace(tzinfo=UTC) if written.tzinfo is None else written.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"There is no such moment in the calendar: {error}") from error


Moment = Annotated[
    datetime,
    BeforeValidator(moment),
    WithJsonSchema(
        {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}], "examples": ["2026-03-01"]}
    ),
]
# PostgreSQL knows no NUL in a text.
Word = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Search = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class Question(BaseModel):
    """The query of every route."""

    model_config = ConfigDict(extra="forbid")

    workspace: Word | None = Field(
        None, description="Slug of one workspace, for a key that opens all of them.", examples=["default"]
    )


class ListQuestion(Question):
    """The query of every list; each list has its own `sort`."""

    limit: int = Field(50, ge=1, le=200, description="How many items a page has at most.")
    cursor: str | None = Field(
        None, max_length=2000, description="`next_cursor` of the page before, with the same `sort`."
    )
    sort: str

    def ask(self, sorts: Sorts) -> Ask:
        """The page that is wanted. Refuses a broken cursor."""
        return ask_for(sort=self.sort, limit=self.limit, cursor=self.cursor, sorts=sorts)
