"""The people in a history at a fake Cal.com: hosts with event types, and bookers."""

import random
from dataclasses import replace

from tests.fake_calcom.rows import Guest, User
from tests.fake_calcom.world import World

_HOSTS = ("Hana Host", "Otto Owner", "Sia Seller")
_FIRST = ("Ada", "Björn", "Chloé", "Daniel", "Elif", "Fatima", "Jürgen", "Łucja", "Mateo", "Priya", "Zoë", "Дмитрий")
_LAST = ("Abara", "Chen", "Díaz", "Eriksen", "García", "Köhler", "Müller", "Novák", "O'Brien", "Rossi", "Weber")
_PLACES = (("Europe/Berlin", "de"), ("America/New_York", "en"), ("Asia/Tokyo", "ja"), ("Europe/Lisbon", "pt"))


class SamplePeople:
    """Companies with several people, who book more than once and vary the spelling of their address."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self._chance = chance
        self._people: list[Guest] = []
        self.hosts = [world.add_user(name, f"{name.split()[0].lower()}@sellers.example") for name in _HOSTS]
        owner = self.hosts[0]
        self.intro = world.add_event_type("intro-call", owner=owner)
        self.demo = world.add_event_type("product-demo", owner=owner, scheduling="ROUND_ROBIN", lasts_for=45)
        self.review = world.add_event_type("fit-review", owner=owner, confirmation=True)
        self.weekly = world.add_event_type("weekly-check-in", owner=owner, lasts_for=15, repeats=True)
        self.tour = world.add_event_type("group-tour", owner=owner, lasts_for=60, seats=6)

    def host(self, *, excluded: User | None = None) -> User:
        return self._chance.choice([one for one in self.hosts if one != excluded])

    def pick_person(self) -> Guest:
        """Returns a person who booked before, a colleague of one, or the first person of a company."""
        if self._people and self._chance.random() < 0.2:
            existing = self._chance.choice(self._people)
            return replace(existing, email=existing.email.title() if self._chance.random() < 0.2 else existing.email)
        number = len(self._people)
        domain = f"company{self._chance.randint(0, number)}.example"
        if self._chance.random() < 0.15:
            domain = "gmail.com"
        zone, locale = self._chance.choice(_PLACES)
        name = f"{self._chance.choice(_FIRST)} {self._chance.choice(_LAST)}"
        self._people.append(Guest(name, f"person{number}@{domain}", zone, locale))
        return self._people[-1]

    def guests(self) -> list[str]:
        """Returns guests: now and then a booker brings some."""
        if self._chance.random() < 0.9:
            return []
        return [f"guest{self._chance.randint(0, 10_000)}@company{self._chance.randint(0, 99)}.example"]
