"""The population of a run: organizers of two Cal.com accounts, invented companies and their people."""

import random
import unicodedata
from dataclasses import dataclass, field, replace

from showup.simulation import names
from showup.simulation.models import SimulatedAttendee, SimulatedEventType, SimulatedOrganizer

ACCOUNTS = 2

EVENT_TYPES = {
    "intro": SimulatedEventType(4774101, "intro-call", "Intro call", 30),
    "demo": SimulatedEventType(4774102, "product-demo", "Product demo", 45, scheduling="ROUND_ROBIN"),
    "review": SimulatedEventType(4774103, "fit-review", "Fit review", 30, confirmation=True),
    "group": SimulatedEventType(4774104, "group-tour", "Group tour", 60, seats=10),
    "weekly": SimulatedEventType(4774105, "weekly-check-in", "Weekly check-in", 15),
    "paid": SimulatedEventType(4774106, "paid-consultation", "Paid consultation", 60, price=9000),
    "mobile": SimulatedEventType(4774107, "phone-call", "Phone call", 15),
}


@dataclass(frozen=True, slots=True)
class SimulatedCompany:
    """An invented business: `name` is what its people answer when a form asks for it."""

    name: str
    domain: str
    people: tuple[SimulatedAttendee, ...]


@dataclass(slots=True)
class Population:
    """Draws new people and companies; runs with different tags share none."""

    rng: random.Random
    tag: str
    organizers: tuple[tuple[SimulatedOrganizer, ...], ...] = ()
    _serial: int = 0
    _domains: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.organizers = tuple(tuple(self._new_organizer(a, n) for n in range(3)) for a in range(ACCOUNTS))

    def new_company(self) -> SimulatedCompany:
        """Returns a business with two to four people, one of whom may use a subdomain or a plus-tag."""
        word, trade = self.rng.choice(names.COMPANY_WORDS), self.rng.choice(names.COMPANY_TRADES)
        stem = f"{slugify(word)}-{slugify(trade)}"
        while stem in self._domains:
            stem = f"{slugify(word)}-{slugify(trade)}-{self._next_number()}"
        self._domains.add(stem)
        domain = f"{stem}-{self.tag}.example"
        people = tuple(self._new_employee(domain) for _ in range(self.rng.randint(2, 4)))
        return SimulatedCompany(f"{word} {trade}", domain, people)

    def new_private_person(self) -> SimulatedAttendee:
        """Returns a person with an address at a mail provider; their company is unknown."""
        name = self._random_name()
        local = f"{slugify(name).replace('-', '.')}.{self._next_number()}.{self.tag}"
        return self._new_attendee(name, f"{local}@{self.rng.choice(names.PERSONAL_DOMAINS)}")

    def new_phone_caller(self) -> SimulatedAttendee:
        """Returns a person with only a telephone number, for whom Cal.com makes up an address."""
        digits = f"49151{self.rng.randrange(10**8):08d}"
        return replace(
            self._new_attendee(self._random_name(), f"{digits}@{names.SMS_DOMAIN}"),
            phone=f"+{digits}",
        )

    def vary_spelling(self, attendee: SimulatedAttendee) -> SimulatedAttendee:
        """Returns the same attendee, with the address possibly in another case."""
        local, _, domain = attendee.email.lower().partition("@")
        spelling = self.rng.choice(
            (f"{local}@{domain}",) * 4 + (f"{local.title()}@{domain}", f"{local}@{domain}".upper())
        )
        return replace(attendee, email=spelling)

    def _new_employee(self, domain: str) -> SimulatedAttendee:
        name = self._random_name()
        local = f"{slugify(name).replace('-', '.')}{self._next_number()}"
        if self.rng.random() < 0.12:
            local += "+demo"
        if self.rng.random() < 0.15:
            domain = f"mail.{domain}"
        return self._new_attendee(name, f"{local}@{domain}")

    def _new_attendee(self, name: str, email: str) -> SimulatedAttendee:
        zone, locale = self.rng.choice(names.PLACES)
        return SimulatedAttendee(name, email, zone, locale)

    def _new_organizer(self, account: int, number: int) -> SimulatedOrganizer:
        name = self._random_name()
        username = f"{slugify(name)}-{account}{number}"
        zone, _ = self.rng.choice(names.PLACES)
        domain = f"sellers{account + 1}-{self.tag}.example"
        return SimulatedOrganizer(2182000 + 100 * account + number, name, f"{username}@{domain}", username, zone)

    def _random_name(self) -> str:
        return f"{self.rng.choice(names.FIRST_NAMES)} {self.rng.choice(names.LAST_NAMES)}"

    def _next_number(self) -> int:
        self._serial += 1
        return self._serial


def slugify(text: str) -> str:
    """Returns `text` in lower-case ASCII letters and digits, joined by hyphens; `x` if nothing remains."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    ascii_words = "".join(c if c.isascii() and c.isalnum() else "-" if c.isspace() else "" for c in decomposed)
    return ascii_words.strip("-") or "x"
