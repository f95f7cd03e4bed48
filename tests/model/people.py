"""The people who were met, and their companies (PI1, PI2, PI12)."""

from typing import Any

from tests.model.source_events import SourceEvent
from tests.model.values import ReferenceModel

Person = tuple[str | None, str | None]


def expected_people(model: ReferenceModel, events: list[SourceEvent]) -> dict[str, Person]:
    """Returns name and company by email: the newest event decides the name, and a person's entry wins over sources."""
    emails = {email for one in model.bookings for email in one.emails}
    details: dict[str, dict[str, Any]] = {
        email: {"name": None, "company": model.company_of_address(email)} for email in emails
    }
    for event in events:
        for guest in event.fields.get("attendees", ()):
            if guest["email"].lower() in emails and "name" in guest:
                details[guest["email"].lower()]["name"] = guest["name"]
    for event in events:
        if event.kind == "person_recorded":
            person = details.setdefault(event.fields["email"], {"name": None, "company": None})
            person |= {key: event.fields[key] for key in ("name", "company") if key in event.fields}
    return {email: (one["name"], one["company"]) for email, one in details.items()}


def expected_companies(model: ReferenceModel, events: list[SourceEvent]) -> dict[str, str]:
    """Returns the name by key: the newest answer of the form, else the domain, unless a person entered a name."""
    keys = {
        company for one in model.bookings for email in one.emails if (company := model.company_of_attendee(one, email))
    }
    keys |= {company for one in model.bookings if (company := model.company_of(one)) is not None}
    keys |= {deal.company for deal in model.deals}
    keys |= {
        event.fields["company"] for event in events if "company" in event.fields and event.kind.endswith("_recorded")
    }
    names = {key: key.removeprefix("domain:") for key in keys}
    for event in events:
        answer = event.fields.get("responses", {}).get("company", {}).get("value")
        booking = model.find(event) if answer is not None else None
        company_key = None if booking is None else model.company_that_names(booking)
        if company_key is not None:
            names[company_key] = answer
    entered = {f"company:{event.id}": event.fields for event in events if event.kind == "company_recorded"}
    names |= {fields.get("company", key): fields["name"] for key, fields in entered.items()}
    return names
