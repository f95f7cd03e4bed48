"""A ClickUp task, with the fields that Showup reads."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from showup.values.email_address import normalize_email


class Field(Struct, frozen=True, kw_only=True):
    """A custom field, of a list or with its value in a task."""

    id: str
    name: str = ""
    type: str = ""
    value: Any = None


class Status(Struct, frozen=True, kw_only=True):
    """A status, by its name."""

    status: str = ""


class ListReference(Struct, frozen=True, kw_only=True):
    """The list that a task belongs to."""

    id: str = ""


class Task(Struct, frozen=True, kw_only=True):
    """A task.

    `date_updated` is Unix time in milliseconds, as text; the description is None where it was not requested.
    """

    id: str
    name: str = ""
    url: str | None = None
    status: Status = Status()
    list: ListReference = ListReference()
    date_updated: str | None = None
    markdown_description: str | None = None
    custom_fields: tuple[Field, ...] = ()

    @property
    def updated_ms(self) -> int:
        """Returns the time of the last change, in milliseconds of Unix time; 0 where it is missing."""
        text = self.date_updated or ""
        return int(text) if text.isdecimal() else 0

    @property
    def updated_at(self) -> datetime:
        """Returns the same time as an aware datetime."""
        return datetime.fromtimestamp(self.updated_ms / 1000, UTC)

    def email(self, field_id: str | None) -> str:
        """Returns a custom field's value in lower case; empty where it has none."""
        values = (one.value for one in self.custom_fields if one.id == field_id)
        return next((normalize_email(value) for value in values if isinstance(value, str)), "")


class TaskList(Struct, frozen=True, kw_only=True):
    """A list: its name and the statuses of its tasks."""

    id: str
    name: str = ""
    statuses: tuple[Status, ...] = ()


class Comment(Struct, frozen=True, kw_only=True):
    """A comment; `date` is Unix time in milliseconds, as text. Its id is text in a list, and a number on its own."""

    id: str | int
    comment_text: str = ""
    date: str | None = None


def parse_task(payload: Any) -> Task:
    """Parses a response. Raises msgspec.ValidationError if it has another shape."""
    return msgspec.convert(payload, Task, strict=False)
