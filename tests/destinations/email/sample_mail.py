"""Mail as it comes from a renderer."""

from datetime import UTC, datetime
from uuid import UUID

from showup.destinations.email.destination import Mail

DELIVERY = UUID("0d5fbb0e-7a0c-4e0e-9a55-6a3b6f1f6a01")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CALENDAR = """\
BEGIN:VCALENDAR
PRODID:-//Showup//EN
VERSION:2.0
METHOD:REQUEST
BEGIN:VEVENT
UID:abc@Cal.com
SEQUENCE:1
DTSTAMP:20260302T090000Z
DTSTART:20260304T150000Z
DTEND:20260304T153000Z
SUMMARY:Kennenlernen mit Jürgen
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")
MAIL = Mail(
    sender="Sales at Acme <sales@acme.example>",
    to="Jürgen Groß <juergen@client.example>",
    subject="Termin am 4. März",
    html="<p>Bis bald, Jürgen!</p>",
    text="Bis bald, Jürgen!",
    reply_to="Olivia <olivia@acme.example>",
    calendar=CALENDAR,
    calendar_method="REQUEST",
    headers={"List-Unsubscribe": "<https://showup.example/u/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
)


def now() -> datetime:
    return NOW
