"""Events about people, companies, their duplicates, and a workspace's rules; all caused by people."""

from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from showup.events.manual import ManualEvent
from showup.events.stream import MERGES, RULES, Stream

MergeKind: TypeAlias = Literal["people", "companies"]


class PersonRecorded(ManualEvent, frozen=True, kw_only=True):
    """A person was recorded or corrected; fields that are None stay unchanged."""

    email: str
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    company: str | None = None

    def stream(self, event_id: UUID) -> Stream:  # noqa: ARG002  # a person is known by email
        """Return the person's stream."""
        return Stream("person", f"person:{self.email}")

    @property
    def other_names(self) -> tuple[str, ...]:
        """Return the company's key: the company was named at that time, even if the person changed to another."""
        return () if self.company is None else (self.company,)


class CompanyRecorded(ManualEvent, frozen=True, kw_only=True):
    """A company was recorded, or its name corrected; without `company` it is a new one that has no domain."""

    company: str | None = None
    name: str | None = None

    def stream(self, event_id: UUID) -> Stream:
        """Return the company's stream."""
        return Stream("company", self.company or f"company:{event_id}")


class Merged(ManualEvent, frozen=True, kw_only=True):
    """Two people (by email) or two companies (by key) were merged: `gone` is now known as `stays`."""

    kind: MergeKind
    gone: str
    stays: str

    def stream(self, event_id: UUID) -> Stream:  # noqa: ARG002  # a workspace has one history of merges
        """Return the stream of all merges."""
        return Stream("workspace", MERGES)


class MergeUndone(ManualEvent, frozen=True, kw_only=True):
    """A merge was undone; `merge` is the event that made it."""

    merge: UUID

    def stream(self, event_id: UUID) -> Stream:  # noqa: ARG002  # a workspace has one history of merges
        """Return the stream of all merges."""
        return Stream("workspace", MERGES)


class RulesChanged(ManualEvent, frozen=True, kw_only=True):
    """Some rules have other values from `since` on; None: in the whole history."""

    changes: dict[str, Any]
    since: datetime | None

    def stream(self, event_id: UUID) -> Stream:  # noqa: ARG002  # a workspace has one history of rules
        """Return the stream of all rule changes."""
        return Stream("workspace", RULES)
