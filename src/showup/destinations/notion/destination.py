"""Notion as a destination: the contact's page and the page in the email sequence, each found by email and updated.

Every step can be repeated: a page is found, never made, and the same values are written again.
"""

from datetime import timedelta
from typing import Any, Final

import httpx2
import msgspec
import structlog
from msgspec import Struct

from showup.clock import Clock
from showup.destinations.contract import Attempt, Content, Delivered, GaveUp, Notice, Outcome, Pace, TryAgain
from showup.destinations.kind import Meter, OverLimit
from showup.destinations.notion.answers import Refused
from showup.destinations.notion.api import NotionApi
from showup.destinations.notion.data_sources import DataSources
from showup.destinations.notion.pages import Told
from showup.destinations.notion.render import render
from showup.destinations.notion.settings import NotionSettings
from showup.destinations.notion.telling import tell_contact, tell_sequence
from showup.destinations.notion.update import Update, past

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


class Access(Struct, frozen=True, kw_only=True):
    """How Notion is called. The token is in the clear: never shown."""

    client: httpx2.AsyncClient
    url: str
    token: str
    clock: Clock
    meter: Meter

    def api(self) -> NotionApi:
        """The calls of one delivery."""
        return NotionApi(self.client, url=self.url, token=self.token, clock=self.clock, meter=self.meter)


class Notion:
    """One workspace's Notion."""

    def __init__(self, settings: NotionSettings, access: Access, pace: Pace) -> None:
        """Raises ValueError for settings that can't be used."""
        self._settings = settings
        self._targets = settings.targets()
        self._access = access
        self._pace = pace

    @property
    def pace(self) -> Pace:
        return self._pace

    def render(self, notice: Notice) -> Content:
        content: Content = msgspec.to_builtins(render(notice, self._targets))
        return content

    async def send(self, attempt: Attempt) -> Outcome:
        try:
            update = msgspec.convert(attempt.content, Update)
        except msgspec.ValidationError as fault:
            return GaveUp(because=f"the stored update can't be read: {fault}")
        try:
            return await self._send(update, attempt)
        except Refused as fault:
            return fault.outcome
        except OverLimit as fault:
            because = "more calls of Notion are waiting than it takes for now"
            return TryAgain(because=because, not_before=fault.not_before, fault="limit")

    async def _send(self, update: Update, attempt: Attempt) -> Outcome:
        api, sources = self._access.api(), DataSources(self._access.client)
        if attempt.overtaken:
            update = past(update)
        contact = await tell_contact(api, sources, self._settings, update, attempt.record)
        sequence = await tell_sequence(api, sources, self._settings, update)
        faults = [one for one in (contact.fault, sequence.fault) if one is not None]
        if faults:
            # Whatever could be written was: once the fault is mended, the rest is by sending it again.
            return GaveUp(because="; ".join(faults))
        notes = [*update.notes, *contact.notes, *sequence.notes]
        if notes and (update.contact or update.sequence):
            _log.warning("not all of it could be written to Notion", delivery=str(attempt.delivery_id), notes=notes)
        return Delivered(
            provider="notion",
            reference=contact.page or sequence.page,
            record=contact.page,
            found=_found(update, contact, sequence, notes),
        )


def _found(update: Update, contact: Told, sequence: Told, notes: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if update.contact:
        found["contact_id"] = contact.page
    if update.campaign or update.sequence:
        found["sequence_id"] = sequence.page
    if update.campaign:
        found["campaign"] = sequence.campaign
    return found | ({"notes": notes} if notes else {})
