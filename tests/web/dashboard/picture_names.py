"""Invented people and companies for pictures of the pages."""

import random
import unicodedata
from collections.abc import Iterator
from typing import Final, NamedTuple

_FIRST: Final = (
    *("Adam", "Alba", "Amir", "Anika", "Bram", "Carla", "Chidi", "Clara", "Dario", "Elena", "Emil", "Farah", "Finn"),
    *("Freya", "Gustav", "Hana", "Hugo", "Ida", "Imran", "Ivo", "Jana", "Jonas", "Kamala", "Karim", "Katya", "Lars"),
    *("Leila", "Liam", "Lucía", "Magnus", "Mara", "Mateo", "Milan", "Mina", "Nadia", "Nils", "Nora", "Omar", "Otto"),
    *("Petra", "Pia", "Rafael", "Ravi", "Renée", "Rosa", "Samir", "Selma", "Stella", "Tariq", "Thea", "Theo", "Vera"),
)
_LAST: Final = (
    *("Aalto", "Adeyemi", "Andersson", "Arslan", "Bauer", "Becker", "Bianchi", "Bjerke", "Carvalho", "Castillo"),
    *("Conti", "Dahl", "Dubois", "Eriksen", "Fontaine", "Fuchs", "Gallo", "Haas", "Haddad", "Holm", "Horváth"),
    *("Ibrahim", "Jansen", "Kaya", "Keller", "Kovács", "Lindgren", "Lopes", "Marino", "Meyer", "Moreau", "Nowak"),
    *("Okoye", "Olsen", "Petrov", "Pereira", "Quinn", "Rahman", "Ricci", "Ruiz", "Schmidt", "Sharma", "Silva"),
    *("Sokolova", "Svensson", "Tanaka", "Toivonen", "Vargas", "Virtanen", "Weber", "Wolf", "Yilmaz", "Zimmer"),
)
_WORDS: Final = (
    *("Alder", "Arbor", "Atlas", "Basalt", "Beacon", "Birch", "Bolder", "Bright", "Canal", "Cobalt", "Copper"),
    *("Corner", "Delta", "Ember", "Fern", "Field", "Flint", "Forge", "Garnet", "Glass", "Grand", "Harbor", "Hazel"),
    *("Hill", "Indigo", "Ivory", "Juniper", "Lake", "Linden", "Maple", "Marble", "Meadow", "Mill", "Nimbus", "North"),
    *("Onyx", "Orchard", "Pine", "Prairie", "Quartz", "Ridge", "River", "Rowan", "Silver", "Slate", "Stone", "Summit"),
)
_TRADES: Final = (
    *("Analytics", "Builders", "Capital", "Care", "Clinics", "Dental", "Devices", "Dynamics", "Energy", "Foods"),
    *("Freight", "Health", "Insurance", "Labs", "Legal", "Logistics", "Materials", "Motors", "Partners", "Pharma"),
    *("Power", "Robotics", "Software", "Solar", "Studios", "Supply", "Systems", "Tools", "Transport", "Works"),
)


class Prospect(NamedTuple):
    """A person at a company, and their address there."""

    first_name: str
    last_name: str
    company: str
    email: str

    @property
    def full_name(self) -> str:
        """Both names."""
        return f"{self.first_name} {self.last_name}"


def prospects(chance: random.Random, group: int) -> Iterator[Prospect]:
    """Yields people without end, each with their own address. The three groups share no name and no company."""
    known: set[str] = set()
    first_names, last_names, words = _FIRST[group::3], _LAST[group::3], _WORDS[group::3]
    while True:
        first, last = chance.choice(first_names), chance.choice(last_names)
        company = f"{chance.choice(words)} {chance.choice(_TRADES)}"
        email = address_of(f"{first} {last}", company)
        if email not in known:
            known.add(email)
            yield Prospect(first, last, company, email)


def address_of(person: str, company: str) -> str:
    """Returns the address of a person at a company: `jiri@ostravasteelworks.example`."""
    first, _, last = person.partition(" ")
    local = _ascii(first) if not last else f"{_ascii(first)}.{_ascii(last)}"
    return f"{local}@{_ascii(company)}.example"


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).lower()
    return "".join(letter for letter in plain if letter.isascii() and letter.isalnum())
