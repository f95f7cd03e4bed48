"""A ClickUp task, as far as we read it."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct


class Field(Struct, frozen=True, kw_only=True):
    """A custom field, in a list or with its value in a task."""

    id: str
    name: str = ""
    type: str = ""
    value: Any = None


class Status(Struct, frozen=True, kw_only=True):
    """A status by its name."""

    status: str = ""


class Whose(Struct, frozen=True, kw_only=True):
    """The list that a task belongs to."""

    id: str = ""


class Task(Struct, frozen=True, kw_only=True):
    """`date_updated` is unix time in thousandths, as text; the description is None where it was not asked for."""

    id: str
    name: str = ""
    url: str | None = None
    status: Status = Status()
    list: Whose = Whose()
    date_updated: str | None = None
    markdown_description: str | None = None
    custom_fields: tuple[Field, ...] = ()

    @property
    def updated_ms(self) -> int:
        """When it was changed last, in thousandths of unix time; 0 where that isn't said."""
        said = self.date_updated or ""
        return int(said) if said.isdecimal() else 0

    @property
    def updated_at(self) -> datetime:
        """The same as an aware moment."""
        return datetime.fromtimestamp(self.updated_ms / 1000, UTC)

    def email(self, field_id: str | None) -> str:
        """What a custom field has, in small letters; empty where it has nothing."""
        values = (one.value for one in self.custom_fields if one.id == field_id)
        return next((value.strip().casefold() for value in values if isinstance(value, str)), "")


class TaskList(Struct, frozen=True, kw_only=True):
    """A list: what it is called and which statuses its tasks can have."""

    id: str
    name: str = ""
    statuses: tuple[Status, ...] = ()


class Comment(Struct, frozen=True, kw_only=True):
    """A comment; `date` is unix time in thousandths, as text. Its id is text in a list and a number by itself."""

    id: str | int
    comment_text: str = ""
    date: str | None = None


def task_of(said: Any) -> Task:
    """Raises msgspec.ValidationError for what is none."""
    return msgspec.convert(said, Task, strict=False)
