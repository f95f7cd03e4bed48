"""Notion as a destination: finds the contact's page and the page in the email sequence by email, and updates both.

Every step can be repeated: Showup never creates a page, and writing the same values again changes nothing.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import msgspec
import structlog
from msgspec.structs import replace

from showup.destinations.contract import Attempt, Content, Delivered, GaveUp, Notification, Outcome, Pace
from showup.destinations.notion.client import DataSources, NotionClient
from showup.destinations.notion.pages import PageResult, update_contact, update_sequence
from showup.destinations.notion.render import Update, render
from showup.destinations.notion.settings import NotionSettings
from showup.destinations.vendor_api import VendorError

PACE: Final = Pace(
    rate_per_second=3,
    at_once=3,
    timeout=timedelta(seconds=25),
    retry_after=(
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
    ),
)
_log = structlog.get_logger()


class Notion:
    """One workspace's Notion; `make_client` makes the `NotionClient` of one attempt."""

    def __init__(
        self, make_client: Callable[[], NotionClient], settings: NotionSettings, sources: DataSources, pace: Pace
    ) -> None:
        """Raises ValueError for invalid settings."""
        self._make_client = make_client
        self._settings = settings
        self._targets = settings.targets()
        self._sources = sources
        self._pace = pace

    @property
    def pace(self) -> Pace:
        return self._pace

    def render(self, notification: Notification) -> Content:
        content: Content = msgspec.to_builtins(render(notification, self._targets))
        return content

    async def send(self, attempt: Attempt) -> Outcome:
        try:
            update = msgspec.convert(attempt.content, Update)
        except msgspec.ValidationError as fault:
            return GaveUp(because=f"the stored update is invalid: {fault}")
        try:
            return await self._send(update, attempt)
        except VendorError as fault:
            return fault.outcome

    async def _send(self, update: Update, attempt: Attempt) -> Outcome:
        api = self._make_client()
        contact = await update_contact(api, self._sources, self._settings, update, attempt)
        try:
            sequence = await update_sequence(api, self._sources, self._settings, update)
        except VendorError as fault:
            return replace(fault.outcome, record=contact.page, found=_values_set(contact))
        faults = [one for one in (contact.fault, sequence.fault) if one is not None]
        if faults:
            # Everything that could be written was written; once the fault is fixed, sending again writes the rest.
            return GaveUp(because="; ".join(faults), record=contact.page, found=_values_set(contact))
        notes = [*update.notes, *contact.notes, *sequence.notes]
        if notes and (update.has_contact or update.sequence):
            _log.warning("Notion update incomplete", notes=notes)
        return Delivered(
            provider="notion",
            reference=contact.page or sequence.page,
            record=contact.page,
            found=_found(update, contact, sequence, notes),
        )


def _found(update: Update, contact: PageResult, sequence: PageResult, notes: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if update.has_contact:
        found["contact_id"] = contact.page
    found |= _values_set(contact)
    if update.campaign or update.sequence:
        found["sequence_id"] = sequence.page
    if update.campaign:
        found["campaign"] = sequence.campaign
    return found | ({"notes": notes} if notes else {})


def _values_set(contact: PageResult) -> dict[str, Any]:
    return {"set": contact.set} if contact.set else {}
