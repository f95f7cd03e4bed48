"""Reads whether a calendar that is connected to Cal.com invites the attendees itself."""

from typing import Final

from showup.sources.calcom.payload import Json, integer, objects, text

# These calendars send their own invitations for what Cal.com writes into them. CalDAV servers, Apple's among them, are
# told not to (calcom/cal.diy#22434); for any other calendar it is unknown.
_INVITING: Final = (
    "google_calendar",
    "office365_calendar",
    "exchange_calendar",
    "exchange2013_calendar",
    "exchange2016_calendar",
)


def calendar_invites(fields: Json) -> bool | None:
    """Returns whether such a calendar took the event; None where the body says nothing about calendars.

    `appsStatus` says how it went, `references` (rows of MEETING_*) what exists, and `destinationCalendar` only what is
    meant to happen: an object, or a list since 2024.
    """
    reported = [app for app in objects(fields.get("appsStatus")) if _kind(app.get("type")).endswith("_calendar")]
    if reported:
        return any(_kind(app.get("type")) in _INVITING and (integer(app.get("success")) or 0) > 0 for app in reported)
    written = [_kind(item.get("type")) for item in objects(fields.get("references"))]
    if any(kind in _INVITING for kind in written):
        return True
    planned = fields.get("destinationCalendar")
    calendars = objects(planned) if isinstance(planned, list) else objects([planned])
    if any(_kind(calendar.get("integration")) in _INVITING for calendar in calendars):
        return True
    return None if fields.keys().isdisjoint(("appsStatus", "references", "destinationCalendar")) else False


def _kind(value: object) -> str:
    return (text(value) or "").lower().replace("-", "_")
