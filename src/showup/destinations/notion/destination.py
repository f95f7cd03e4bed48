"""Notion as a destination: finds the contact's page and the page in the email sequence by email, and updates both.

Every step can be repeated: Showup never creates a page, and writing the same values again changes nothing.
"""

from datetime import timedelta
from typing import Any, Final

import httpx2
import msgspec
import structlog
from msgspec import Struct

from showup.clock import Clock
from showup.destinations.contract import Attempt, Content, Delivered, GaveUp, Notification, Outcome, Pace, TryAgain
from showup.destinations.destination_kind import Meter, OverLimit
from showup.destinations.notion.client import NotionClient
from showup.destinations.notion.data_sources import DataSources
from showup.destinations.notion.errors import NotionError
from showup.destinations.notion.page_updates import update_contact, update_sequence
from showup.destinations.notion.pages import PageResult
from showup.destinations.notion.render import render
from showup.destinations.notion.settings import NotionSettings
from showup.destinations.notion.update import Update, without_current_state

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


class NotionAccess(Struct, frozen=True, kw_only=True):
    """The access data of one Notion workspace. The token is unencrypted: never show it."""

    client: httpx2.AsyncClient
    url: str
    token: str
    clock: Clock
    meter: Meter

    def client_for_delivery(self) -> NotionClient:
        """Returns the client of one delivery."""
        return NotionClient(self.client, url=self.url, token=self.token, clock=self.clock, meter=self.meter)


class Notion:
    """One workspace's Notion."""

    def __init__(self, settings: NotionSettings, access: NotionAccess, pace: Pace) -> None:
        """Raises ValueError for invalid settings."""
        self._settings = settings
        self._targets = settings.targets()
        self._access = access
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
        except NotionError as fault:
            return fault.outcome
        except OverLimit as fault:
            because = "too many calls to Notion are waiting for its rate limit"
            return TryAgain(because=because, not_before=fault.not_before, fault="limit")

    async def _send(self, update: Update, attempt: Attempt) -> Outcome:
        api, sources = self._access.client_for_delivery(), DataSources(self._access.client)
        if attempt.superseded:
            update = without_current_state(update)
        contact = await update_contact(api, sources, self._settings, update, attempt.record)
        sequence = await update_sequence(api, sources, self._settings, update)
        faults = [one for one in (contact.fault, sequence.fault) if one is not None]
        if faults:
            # Everything that could be written was written; once the fault is fixed, sending again writes the rest.
            return GaveUp(because="; ".join(faults))
        notes = [*update.notes, *contact.notes, *sequence.notes]
        if notes and (update.contact or update.sequence):
            _log.warning("Notion update incomplete", delivery=str(attempt.delivery_id), notes=notes)
        return Delivered(
            provider="notion",
            reference=contact.page or sequence.page,
            record=contact.page,
            found=_found(update, contact, sequence, notes),
        )


def _found(update: Update, contact: PageResult, sequence: PageResult, notes: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if update.contact:
        found["contact_id"] = contact.page
    if update.campaign or update.sequence:
        found["sequence_id"] = sequence.page
    if update.campaign:
        found["campaign"] = sequence.campaign
    return found | ({"notes": notes} if notes else {})
