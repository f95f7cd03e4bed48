"""Who was met, and for whom they work (PI1, PI2, PI12)."""

from typing import Any

from tests.model.facts import Fact
from tests.model.values import World

Person = tuple[str | None, str | None]


def people(world: World, facts: list[Fact]) -> dict[str, Person]:
    """By email, name and company: the newest news says the name, and what a hand entered beats what sources say."""
    met = {email for one in world.bookings for email in one.emails}
    found: dict[str, dict[str, Any]] = {
        email: {"name": None, "company": world.company_of_address(email)} for email in met
    }
    for fact in facts:
        for guest in fact.said.get("attendees", ()):
            if guest["email"].lower() in met and "name" in guest:
                found[guest["email"].lower()]["name"] = guest["name"]
    for fact in facts:
        if fact.kind == "record_person":
            person = found.setdefault(fact.said["email"], {"name": None, "company": None})
            person |= {key: fact.said[key] for key in ("name", "company") if key in fact.said}
    return {email: (one["name"], one["company"]) for email, one in found.items()}


def companies(world: World, facts: list[Fact]) -> dict[str, str]:
    """By key, the name: the form's newest answer, else the domain, unless somebody entered another."""
    keys = {company for one in world.bookings for email in one.emails if (company := world.company_of_address(email))}
    keys |= {company for one in world.bookings if (company := world.company_of(one)) is not None}
    keys |= {deal.company for deal in world.deals}
    keys |= {fact.said["company"] for fact in facts if "company" in fact.said and fact.kind.startswith("record")}
    names = {key: key.removeprefix("domain:") for key in keys}
    for fact in facts:
        booking = world.find(fact) if "responses" in fact.said else None
        speaks_for = None if booking is None else world.company_of_attendees(booking)
        if speaks_for is not None:
            names[speaks_for] = fact.said["responses"]["company"]["value"]
    entered = {f"company:{fact.id}": fact.said for fact in facts if fact.kind == "record_company"}
    names |= {said.get("company", key): said["name"] for key, said in entered.items()}
    return names
