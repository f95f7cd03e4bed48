"""EmailBison as a destination: finds the lead by email, writes its status, and stops its sequences if wanted.

Each step can be repeated: the same value written again changes nothing, and a stopped sequence stays stopped.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from showup.clock import Clock
from showup.destinations.contract import Attempt, Content, Delivered, GaveUp, Meeting, Notification, Outcome, Pace
from showup.destinations.emailbison.client import EmailBisonClient
from showup.destinations.emailbison.objects import EmailBisonLead
from showup.destinations.emailbison.render import LeadUpdate, render
from showup.destinations.emailbison.settings import EmailBisonSettings
from showup.destinations.local_time import local_time
from showup.destinations.record_status import (
    RecordState,
    StatusDecision,
    change_of,
    decide_status,
    describe_ahead,
    same_status,
)
from showup.destinations.vendor_api import VendorError
from showup.values.email_address import email_spellings, is_mailbox, normalize_email
from showup.values.time_zone import zone_of

PACE: Final = Pace(
    # EmailBison allows more (3,000 a minute, its documentation says); the import of leads shares the token.
    rate_per_second=5,
    at_once=3,
    timeout=timedelta(seconds=25),
    retry_after=(
        timedelta(seconds=30),
        timedelta(minutes=2),
        timedelta(minutes=10),
        timedelta(hours=1),
        timedelta(hours=6),
        timedelta(hours=24),
    ),
)
_NO_LEAD: Final = "no lead in EmailBison has this email"
_IN_SEQUENCE: Final = "in_sequence"


class EmailBison:
    """One workspace's EmailBison; `make_client` makes the `EmailBisonClient` of one attempt."""

    def __init__(
        self, make_client: Callable[[], EmailBisonClient], settings: EmailBisonSettings, pace: Pace, clock: Clock
    ) -> None:
        self._make_client = make_client
        self._settings = settings
        self._pace = pace
        self._clock = clock

    @property
    def pace(self) -> Pace:
        return self._pace

    def render(self, notification: Notification) -> Content:
        settings = self._settings
        update = render(notification, settings.events, settings.status_for, stops=settings.stop_sequence)
        content: Content = msgspec.to_builtins(update)
        return content

    async def send(self, attempt: Attempt) -> Outcome:
        try:
            update = msgspec.convert(attempt.content, LeadUpdate)
        except msgspec.ValidationError as fault:
            return GaveUp(because=f"the stored update is invalid: {fault}")
        try:
            return await self._deliver(attempt, update)
        except VendorError as fault:
            return fault.outcome

    async def _deliver(self, attempt: Attempt, update: LeadUpdate) -> Outcome:
        api = self._make_client()
        lead = await _find(api, attempt, update)
        if lead is None:
            return Delivered(provider="emailbison", found={"notes": [_NO_LEAD]})
        record = str(lead.id)
        decision = self._decide(lead, update, attempt)
        if (fault := await self._write(api, lead, decision)) is not None:
            return GaveUp(because=fault, record=record)
        found: dict[str, Any] = {} if decision.status is None else {"set": {"status": decision.status}}
        if decision.because is not None:
            found["notes"] = [f"the status was not changed: {decision.because}"]
        if update.stop and not attempt.superseded:
            try:
                found["stopped_campaigns"] = await _stop(api, lead)
            except VendorError as error:
                raise VendorError(replace(error.outcome, record=record, found=found), error.status) from None
        return Delivered(provider="emailbison", reference=record, record=record, found=found)

    def _decide(self, lead: EmailBisonLead, update: LeadUpdate, attempt: Attempt) -> StatusDecision:
        if attempt.superseded:
            return StatusDecision()
        record, ahead = str(lead.id), attempt.meeting_ahead
        ahead_at = "" if ahead is None else _when(ahead, update.time_zone)
        state = RecordState(
            status=lead.variable(self._settings.status_variable),
            last_set=attempt.last_value(record, "status"),
            is_known=record == attempt.record,
            meeting_ahead=describe_ahead(ahead, ahead_at, self._clock()),
        )
        return decide_status(change_of(update.event), update.status, state, self._settings.missed_statuses)

    async def _write(self, api: EmailBisonClient, lead: EmailBisonLead, decision: StatusDecision) -> str | None:
        """Writes the status; returns why EmailBison did not store it."""
        name = self._settings.status_variable
        if decision.status is None or same_status(decision.status, lead.variable(name)):
            return None
        stored = await api.set_variable(lead.id, name, decision.status)
        return None if same_status(stored.variable(name), decision.status) else missing_variable(name)


def missing_variable(name: str) -> str:
    """Returns the error text for a custom variable that the workspace doesn't have."""
    return (
        f"EmailBison has no custom variable {name!r}: create it with `showup emailbison register`, or set "
        "`status_variable` to one that exists"
    )


async def _find(api: EmailBisonClient, attempt: Attempt, update: LeadUpdate) -> EmailBisonLead | None:
    """Returns the lead of an earlier delivery if it still exists, else the one with the attendee's email."""
    if attempt.record is not None and attempt.record.isdecimal():
        known = await api.find_lead(int(attempt.record))
        if known is not None:
            return known
    # Without an @ it would be read as an id.
    for spelling in email_spellings(update.email) if is_mailbox(update.email) else ():
        found = await api.find_lead(spelling)
        if found is not None and normalize_email(found.email) == normalize_email(update.email):
            return found
    return None


def _when(meeting: Meeting, time_zone: str) -> str:
    text = local_time(meeting.start_time, meeting.end_time, zone_of(time_zone))
    return f"{text} ({text.zone})"


async def _stop(api: EmailBisonClient, lead: EmailBisonLead) -> list[int]:
    """Stops the sequences that still write to the lead; returns their campaigns."""
    writing = [one.campaign_id for one in lead.memberships if one.status == _IN_SEQUENCE]
    campaigns = sorted({one for one in writing if one is not None})
    for campaign_id in campaigns:
        await api.stop_future_emails(campaign_id, [lead.id])
    return campaigns
