"""Translates one webhook of EmailBison into the name of the lead that it is about; its API says what is true of it.

EmailBison signs nothing, so nothing else of a body counts.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from showup.events.lead import LeadReported
from showup.events.translation import Ignored, Translated, Translation, Unreadable
from showup.values.email_address import is_mailbox, normalize_email

# So many of them come that the lists are cheaper, and they don't change what is known of a lead.
_IGNORED: Final = {
    "EMAIL_SENT": "sent mails are counted by the campaign's statistics",
    "MANUAL_EMAIL_SENT": "sent mails are counted by the campaign's statistics",
    "EMAIL_OPENED": "Showup does not track opened mails",
    "UNTRACKED_REPLY_RECEIVED": "the reply belongs to no campaign",
}
_MAX_TEXT_LENGTH: Final = 100
_MAX_NUMBER: Final = 2**53


class _Event(Struct, frozen=True):
    type: str


class _Body(Struct, frozen=True):
    event: _Event
    data: dict[str, Any] = {}


def translate(body: bytes) -> Translation:
    """Translates one body of a webhook."""
    try:
        webhook = msgspec.json.decode(body, type=_Body)
    except RecursionError:
        return Unreadable(because="the body is nested too deeply")
    except ValueError:
        return Unreadable(because="the body is not a webhook from EmailBison: it has no event.type")
    trigger = "".join(letter for letter in webhook.event.type if letter.isprintable())[:_MAX_TEXT_LENGTH]
    if trigger in _IGNORED:
        return Ignored(because=_IGNORED[trigger], trigger=trigger)
    lead = webhook.data.get("lead")
    name = _name(lead) if isinstance(lead, dict) else None
    if name is None:
        return Ignored(because="it is about no lead", trigger=trigger)
    return Translated(event=LeadReported(lead=name), trigger=trigger, actor="emailbison", uid=name)


def _name(lead: dict[str, Any]) -> str | None:
    """Returns EmailBison's number of the lead, else its address."""
    number, email = lead.get("id"), normalize_email(lead.get("email"))
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number < _MAX_NUMBER:
        return str(number)
    return email if email.isprintable() and is_mailbox(email) else None
