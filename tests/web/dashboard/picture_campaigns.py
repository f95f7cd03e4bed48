"""The campaigns of the pictures' team: files of leads as a sales tool exports them, of whom some booked.

Everything follows from the seed. Most leads never answer, some reply, and those who booked were interested before.
"""

import csv
import io
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from tests.web.dashboard.picture_names import Prospect, prospects

CAMPAIGNS: Final[Mapping[str, tuple[int, float, float]]] = {
    "Robotics": (1_300, 0.115, 0.36),
    "Logistics": (1_900, 0.085, 0.31),
    "Clinics": (1_700, 0.1, 0.33),
    "Energy": (240, 0.06, 0.3),
    "SaaS RevOps": (2_300, 0.078, 0.29),
}
"""Each campaign's leads, the share of them who replied, and the share of those who were interested."""

# Leads who may have booked under another address: their campaign, given and family name, company and address.
_NEARLY: Final = (
    ("Clinics", "W.", "Zhang", "Halcyon Bio", "w.zhang@halcyon.example"),
    ("SaaS RevOps", "Sofia", "Rossi", "Quarry", "sofia.rossi@quarry-data.example"),
    ("Logistics", "Astrid", "Bakke", "Fjord Trading", "a.bakke@fjord.example"),
)
_SENDERS: Final = ("dana@mail.brightside.example", "ola@brightside-team.example", "marcus@get-brightside.example")
_SEED: Final = 31
_DAY: Final = timedelta(days=1)
_SPREAD_DAYS: Final = 172
_COLUMNS: Final = (
    *("email", "first_name", "last_name", "company", "emails_sent", "first_sent_at", "last_sent_at"),
    *("step", "sender_email", "replied", "replied_at", "interested", "interested_at", "bounced"),
)


class BookedLead(NamedTuple):
    """A lead who booked: under which address, and when."""

    email: str
    person: str
    company: str
    campaign: str
    booked_at: datetime


def lead_files(booked: Sequence[BookedLead], now: datetime) -> Iterator[tuple[str, bytes]]:
    """Yields each campaign's name with its file."""
    chance = random.Random(_SEED)  # noqa: S311
    others = prospects(chance, 0)
    for campaign, (number, reply_share, interest_share) in CAMPAIGNS.items():
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(_COLUMNS)
        for lead in booked:
            if lead.campaign == campaign:
                writer.writerow(_booked_row(chance, lead))
        for near, first, last, company, email in _NEARLY:
            if near == campaign:
                lead = BookedLead(email, f"{first} {last}", company, campaign, now - 30 * _DAY)
                writer.writerow(_booked_row(chance, lead))
        for _ in range(number):
            sent_at = now - chance.uniform(0.2, _SPREAD_DAYS) * _DAY
            # Fewer replied in the half before, so that a change beyond chance can be seen.
            share = reply_share * (0.72 if now - sent_at > 90 * _DAY else 1)
            writer.writerow(_other_row(chance, next(others), sent_at, share, interest_share, now))
        yield campaign, text.getvalue().encode()


def _booked_row(chance: random.Random, lead: BookedLead) -> list[object]:
    interested_at = lead.booked_at - chance.uniform(0.1, 3) * _DAY
    sent_at = interested_at - chance.uniform(0.05, 2) * _DAY
    sent = chance.choices((1, 2, 3, 4), (5, 4, 2, 1))[0]
    first, _, last = lead.person.partition(" ")
    who = [lead.email, first, last, lead.company]
    mails = [sent, _text(sent_at - (sent - 1) * 4 * _DAY), _text(sent_at), sent, chance.choice(_SENDERS)]
    return [*who, *mails, "yes", _text(interested_at), "yes", _text(interested_at), "no"]


def _other_row(
    chance: random.Random,
    lead: Prospect,
    sent_at: datetime,
    reply_share: float,
    interest_share: float,
    now: datetime,
) -> list[object]:
    sent = chance.choices((1, 2, 3, 4), (1, 2, 4, 5))[0]
    replied_at = min(sent_at + chance.uniform(0.02, 2) * _DAY, now - timedelta(minutes=20))
    replied = chance.random() < reply_share
    interested = replied and chance.random() < interest_share
    who = [lead.email, lead.first_name, lead.last_name, lead.company]
    step = chance.randint(1, sent) if replied else ""
    mails = [sent, _text(sent_at - (sent - 1) * 4 * _DAY), _text(sent_at), step, chance.choice(_SENDERS)]
    answers = ["yes" if replied else "no", _text(replied_at) if replied else ""]
    interests = ["yes" if interested else "no", _text(replied_at) if interested else ""]
    return [*who, *mails, *answers, *interests, "yes" if not replied and chance.random() < 0.07 else "no"]


def _text(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
