"""The campaigns of a run: the leads that they wrote to, and what came of it. Some leads book, some under another
address.

They are drawn after the webhooks, from the people who book in them, so that the same seed gives the same webhooks with
and without campaigns.
"""

import csv
import io
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from showup.simulation import names
from showup.simulation.entries import business_domain_of
from showup.simulation.models import SimulatedWebhook
from showup.simulation.population import slugify

BookingAddress: TypeAlias = Literal["same", "mailbox", "other"]
"""Under which address a lead books: the lead's own, another form of the same mailbox, or an unknown one."""

_NAMES: Final = ("Founders", "Operators")
# The shares of those who book: as leads under each address; the others are no leads.
_ADDRESSES: Final[tuple[tuple[BookingAddress | None, int], ...]] = (
    ("same", 45),
    ("mailbox", 10),
    ("other", 20),
    (None, 25),
)
_IDLE_LEADS_A_BOOKER: Final = 2
_ROWS_A_FILE: Final = 20_000
_COLUMNS: Final = (
    *("Email", "First Name", "Last Name", "Company Name", "Campaign", "emails_sent", "last_sent_at"),
    *("replied", "replied_at", "interested", "interested_at", "bounced"),
)


@dataclass(frozen=True, slots=True)
class SimulatedLead:
    """A lead of one campaign. A lead of two campaigns is two of these; `brings_bookings` says which one counts.

    `attendee` is the address under which the lead books, in lower case; None: the lead books nothing.
    """

    campaign: str
    email: str
    first_name: str
    last_name: str
    company: str
    sent: int
    last_sent_at: datetime
    replied_at: datetime | None = None
    interested_at: datetime | None = None
    is_bounced: bool = False
    attendee: str | None = None
    address: BookingAddress = "same"
    brings_bookings: bool = True


@dataclass(slots=True)
class _SimulatedBooker:
    """A person who books or is brought along; `since` is their first booking."""

    email: str
    name: str
    since: datetime


def make_leads(seed: int, tag: str, webhooks: Iterable[SimulatedWebhook]) -> tuple[SimulatedLead, ...]:
    """Returns the leads of a run, the same for the same seed and webhooks."""
    rng = random.Random(f"campaigns {seed}")
    bookers = _bookers(webhooks)
    if not bookers:
        return ()
    namesakes = Counter((one.name, _company_of(one.email, tag)) for one in bookers)
    leads: list[SimulatedLead] = []
    for number, booker in enumerate(bookers):
        company = _company_of(booker.email, tag)
        address = rng.choices(*zip(*_ADDRESSES, strict=True))[0]
        # Two people of one name and company can't be told apart, and a guest has no name.
        is_known = bool(booker.name) and namesakes[booker.name, company] == 1
        if address is not None and (address != "other" or is_known):
            leads += _lead_who_books(rng, tag, number, booker, address)
    for number in range(_IDLE_LEADS_A_BOOKER * len(bookers)):
        leads.append(_idle_lead(rng, tag, number, bookers))
    return tuple(leads)


def lead_files(leads: Sequence[SimulatedLead]) -> Iterator[bytes]:
    """Yields the leads as CSV files, each small enough for the API."""
    for start in range(0, len(leads), _ROWS_A_FILE):
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)
        writer.writerows(_cells(one) for one in leads[start : start + _ROWS_A_FILE])
        yield text.getvalue().encode()


def _bookers(webhooks: Iterable[SimulatedWebhook]) -> list[_SimulatedBooker]:
    found: dict[str, _SimulatedBooker] = {}
    for webhook in webhooks:
        for attendee in webhook.booking.attendees if webhook.booking is not None else ():
            email = attendee.email.lower()
            domain = email.partition("@")[2]
            if domain == names.SMS_DOMAIN or domain.startswith("sellers"):
                continue
            booker = found.setdefault(email, _SimulatedBooker(email, attendee.name, webhook.at))
            booker.name = booker.name or attendee.name
    return sorted(found.values(), key=lambda one: one.email)


def _lead_who_books(
    rng: random.Random, tag: str, number: int, booker: _SimulatedBooker, address: BookingAddress
) -> Iterator[SimulatedLead]:
    """Yields the lead in the campaign that brought the booking, and perhaps in one that wrote earlier."""
    first_name, _, last_name = booker.name.partition(" ")
    # Long before, so that it is before every booking that has a seat of this person.
    interested_at = booker.since - timedelta(hours=rng.uniform(24, 120))
    last_sent_at = interested_at - timedelta(hours=rng.uniform(1, 48))
    is_interested = rng.random() < 0.8
    campaign, earlier = rng.sample(_NAMES, 2)
    lead = SimulatedLead(
        campaign=f"{campaign} {tag}",
        email=_lead_email(rng, tag, number, booker, address),
        first_name=first_name,
        last_name=last_name,
        company=_company_of(booker.email, tag) or _new_company(rng),
        sent=rng.randint(1, 4),
        last_sent_at=last_sent_at,
        replied_at=interested_at if is_interested else None,
        interested_at=interested_at if is_interested else None,
        attendee=booker.email,
        address=address,
    )
    yield lead
    if rng.random() < 0.2:
        yield replace(
            lead,
            campaign=f"{earlier} {tag}",
            last_sent_at=last_sent_at - timedelta(days=rng.uniform(1, 30)),
            replied_at=None,
            interested_at=None,
            brings_bookings=False,
        )


def _lead_email(rng: random.Random, tag: str, number: int, booker: _SimulatedBooker, address: BookingAddress) -> str:
    local, _, domain = booker.email.partition("@")
    match address:
        case "same":
            return rng.choice((booker.email, booker.email.upper()))
        case "mailbox":
            return f"{local.partition('+')[0]}+news@{domain}"
        case "other":
            business_domain = business_domain_of(booker.email) or f"{slugify(_new_company(rng))}-{number}-{tag}.example"
            return f"{slugify(booker.name.split()[-1])}.lead{number}@{business_domain}"


def _idle_lead(rng: random.Random, tag: str, number: int, bookers: Sequence[_SimulatedBooker]) -> SimulatedLead:
    """Returns a lead who books nothing; some have the family name or the company of someone who does."""
    last_sent_at = min(one.since for one in bookers) - timedelta(days=rng.uniform(0, 20))
    replied_at = last_sent_at + timedelta(hours=rng.uniform(1, 20)) if rng.random() < 0.15 else None
    near = rng.choice(bookers)
    last_name = near.name.partition(" ")[2] if rng.random() < 0.2 else ""
    return SimulatedLead(
        campaign=f"{rng.choice(_NAMES)} {tag}",
        email=f"idle{number}@{slugify(_new_company(rng))}-idle{number}-{tag}.example",
        first_name=rng.choice(names.FIRST_NAMES),
        last_name=last_name or rng.choice(names.LAST_NAMES),
        company=f"{_new_company(rng)} {tag}",
        sent=rng.randint(1, 4),
        last_sent_at=last_sent_at,
        replied_at=replied_at,
        interested_at=replied_at if replied_at is not None and rng.random() < 0.4 else None,
        is_bounced=replied_at is None and rng.random() < 0.05,
    )


def _new_company(rng: random.Random) -> str:
    return f"{rng.choice(names.COMPANY_WORDS)} {rng.choice(names.COMPANY_TRADES)}"


def _company_of(email: str, tag: str) -> str:
    """Returns the name of the company with this address, as `population` names it; empty for a personal address."""
    domain = business_domain_of(email)
    if domain is None:
        return ""
    words = domain.removesuffix(f"-{tag}.example").split("-")
    return " ".join(word.title() for word in words if not word.isdigit())


def _cells(lead: SimulatedLead) -> list[object]:
    return [
        *(lead.email, lead.first_name, lead.last_name, lead.company, lead.campaign),
        *(lead.sent, lead.last_sent_at.isoformat()),
        *_event_cells(lead.replied_at),
        *_event_cells(lead.interested_at),
        "yes" if lead.is_bounced else "no",
    ]


def _event_cells(at: datetime | None) -> tuple[str, str]:
    return ("no", "") if at is None else ("yes", at.isoformat())
