"""Who takes part in a run: organizers of two Cal.com accounts, invented companies and their people."""

import random
import unicodedata
from dataclasses import dataclass, field, replace

from showup.simulation import names
from showup.simulation.news import Attendee, EventType, Organizer

ACCOUNTS = 2

EVENT_TYPES = {
    "intro": EventType(4774101, "intro-call", "Intro call", 30),
    "demo": EventType(4774102, "product-demo", "Product demo", 45, scheduling="ROUND_ROBIN"),
    "review": EventType(4774103, "fit-review", "Fit review", 30, confirmation=True),
    "group": EventType(4774104, "group-tour", "Group tour", 60, seats=10),
    "weekly": EventType(4774105, "weekly-check-in", "Weekly check-in", 15),
    "paid": EventType(4774106, "paid-consultation", "Paid consultation", 60, price=9000),
    "mobile": EventType(4774107, "phone-call", "Phone call", 15),
}


@dataclass(frozen=True, slots=True)
class Company:
    """A business as invented: `name` is what its people answer when a form asks for it."""

    name: str
    domain: str
    people: tuple[Attendee, ...]


@dataclass(slots=True)
class Cast:
    """Draws new people and companies that no other run of another `tag` has."""

    rng: random.Random
    tag: str
    organizers: tuple[tuple[Organizer, ...], ...] = ()
    _serial: int = 0
    _domains: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.organizers = tuple(tuple(self._organizer(a, n) for n in range(3)) for a in range(ACCOUNTS))

    def company(self) -> Company:
        """A business with two to four people, one of whom may write from a subdomain or with a plus-tag."""
        word, trade = self.rng.choice(names.COMPANY_WORDS), self.rng.choice(names.COMPANY_TRADES)
        stem = f"{plain(word)}-{plain(trade)}"
        while stem in self._domains:
            stem = f"{plain(word)}-{plain(trade)}-{self._next()}"
        self._domains.add(stem)
        domain = f"{stem}-{self.tag}.example"
        people = tuple(self._at_work(domain) for _ in range(self.rng.randint(2, 4)))
        return Company(f"{word} {trade}", domain, people)

    def private_person(self) -> Attendee:
        """Somebody at a mail provider, about whose company nothing is known."""
        name = self._name()
        local = f"{plain(name).replace('-', '.')}.{self._next()}.{self.tag}"
        return self._attendee(name, f"{local}@{self.rng.choice(names.PERSONAL_DOMAINS)}")

    def caller(self) -> Attendee:
        """Somebody who left a telephone number only, to whom Cal.com gives an address of its own making."""
        digits = f"49151{self.rng.randrange(10**8):08d}"
        return replace(
            self._attendee(self._name(), f"{digits}@{names.SMS_DOMAIN}"),
            phone=f"+{digits}",
        )

    def typed(self, attendee: Attendee) -> Attendee:
        """The same attendee, whose address may be typed in another case this time."""
        local, _, domain = attendee.email.lower().partition("@")
        spelling = self.rng.choice(
            (f"{local}@{domain}",) * 4 + (f"{local.title()}@{domain}", f"{local}@{domain}".upper())
        )
        return replace(attendee, email=spelling)

    def _at_work(self, domain: str) -> Attendee:
        name = self._name()
        local = f"{plain(name).replace('-', '.')}{self._next()}"
        if self.rng.random() < 0.12:
            local += "+demo"
        if self.rng.random() < 0.15:
            domain = f"mail.{domain}"
        return self._attendee(name, f"{local}@{domain}")

    def _attendee(self, name: str, email: str) -> Attendee:
        zone, locale = self.rng.choice(names.PLACES)
        return Attendee(name, email, zone, locale)

    def _organizer(self, account: int, number: int) -> Organizer:
        name = self._name()
        username = f"{plain(name)}-{account}{number}"
        zone, _ = self.rng.choice(names.PLACES)
        domain = f"sellers{account + 1}-{self.tag}.example"
        return Organizer(2182000 + 100 * account + number, name, f"{username}@{domain}", username, zone)

    def _name(self) -> str:
        return f"{self.rng.choice(names.FIRST_NAMES)} {self.rng.choice(names.LAST_NAMES)}"

    def _next(self) -> int:
        self._serial += 1
        return self._serial


def plain(words: str) -> str:
    """`words` in ASCII letters, lower case, joined by hyphens; what has no ASCII form becomes `x`."""
    decomposed = unicodedata.normalize("NFKD", words.lower())
    kept = "".join(c if c.isascii() and c.isalnum() else "-" if c.isspace() else "" for c in decomposed)
    return kept.strip("-") or "x"
