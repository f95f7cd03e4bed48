"""Renders the part of a webhook that comes from Cal.com settings: of the event type, and of the platform."""

from typing import Any, TypeAlias

from showup.simulation.models import SimulatedEventType, SimulatedOrganizer

Json: TypeAlias = dict[str, Any]


def event_type_fields(event_type: SimulatedEventType) -> Json:
    """Returns the settings of an event type that each of its webhooks repeats."""
    return {
        "type": event_type.slug,
        "eventTypeId": event_type.id,
        "eventTitle": event_type.title,
        "eventDescription": "",
        "length": event_type.duration_minutes,
        "price": event_type.price,
        "currency": "usd",
        "schedulingType": event_type.scheduling,
        "requiresConfirmation": event_type.confirmation,
        "seatsPerTimeSlot": event_type.seats,
        "seatsShowAttendees": True,
        "seatsShowAvailabilityCount": True,
        "hideCalendarNotes": False,
        "hideCalendarEventDetails": False,
        "hideOrganizerEmail": False,
        "disableRescheduling": False,
        "disableReschedulingScope": "HOST_AND_ATTENDEE",
        "disableCancelling": False,
        "disableCancellingScope": "HOST_AND_ATTENDEE",
        "customReplyToEmail": None,
        **({} if event_type.scheduling is None else {"team": {"id": 170425, "name": "Sellers", "members": []}}),
    }


def platform_fields(organizer: SimulatedOrganizer) -> Json:
    """Returns what Cal.com adds: apps, calendars, and fields that are empty on its own site."""
    calendar = {
        "id": 1129581,
        "integration": "google_calendar",
        "externalId": organizer.email,
        "primaryEmail": organizer.email,
        "userId": organizer.id,
        "credentialId": 1795515,
    }
    return {
        "oneTimePassword": None,
        "platformClientId": "",
        "platformRescheduleUrl": "",
        "platformCancelUrl": "",
        "platformBookingUrl": "",
        "organizationId": None,
        "hashedLink": None,
        "hideBranding": True,
        "appsStatus": [
            apps_status("Google Calendar", "google_calendar"),
            apps_status("Cal Video", "daily_video"),
        ],
        "destinationCalendar": [calendar, calendar],
        "assignmentReason": [],
    }


def apps_status(name: str, kind: str) -> Json:
    """Returns the result of a Cal.com app for the booking: success."""
    return {"appName": name, "type": kind, "success": 1, "failures": 0, "errors": []}
