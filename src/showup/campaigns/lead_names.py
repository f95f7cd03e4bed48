"""Decides what a lead is called when several imports say something of it. Pure."""

from typing import Any, Final
from uuid import UUID

from msgspec import Struct

from showup.campaigns.lead import Lead

MAX_EARLIER: Final = 50
"""So many earlier names of a lead are kept, the newest of them."""

_NAMES: Final = ("first_name", "last_name", "name", "company")


class KnownLead(Struct, frozen=True, kw_only=True):
    """A lead as it is stored. `names_from` is the import or the source that named it last; None: none did."""

    lead: Lead
    names_from: UUID | None


class RenamedLead(Struct, frozen=True, kw_only=True):
    """What is to be stored of a lead; `replaced` are the values that differ from the earlier ones, with these."""

    lead: Lead
    names_from: UUID | None
    replaced: dict[str, Any]


def filled(first: Lead, later: Lead) -> Lead:
    """Return the first lead, with what it leaves empty from the later one."""
    return Lead(
        email=first.email,
        first_name=first.first_name or later.first_name,
        last_name=first.last_name or later.last_name,
        name=first.name or later.name,
        company=first.company or later.company,
        other_emails=first.other_emails or later.other_emails,
    )


def rename(known: KnownLead, newer: Lead, import_id: UUID, *, is_source: bool) -> RenamedLead:
    """Return the lead after an import said this of it.

    What the newest file says wins over earlier files and over a source (`is_source`) such as EmailBison, which
    corrects only what it said itself. An import that repeats a lead fills what its first row left empty.
    """
    says_names = any(getattr(newer, name) for name in _NAMES)
    wins = says_names and (known.names_from == import_id) == is_source
    lead = _replaced(known.lead, newer) if wins else filled(known.lead, newer)
    named = wins or (says_names and known.names_from is None)
    return RenamedLead(
        lead=lead,
        names_from=import_id if named else known.names_from,
        replaced={
            name: value
            for name in _NAMES
            if (value := getattr(known.lead, name)) is not None
            and value != getattr(lead, name)
            # A name that only joins the others says nothing more.
            and (name != "name" or value != _joined(known.lead))
        },
    )


def _replaced(known: Lead, newer: Lead) -> Lead:
    first, last, name = known.first_name, known.last_name, known.name
    parts = (newer.first_name or first, newer.last_name or last)
    if newer.name is not None and newer.name != _joined(newer):
        # A full name is complete: parts of another one don't belong to it.
        if newer.name not in (name, _joined(known)):
            first, last, name = newer.first_name, newer.last_name, newer.name
    elif parts != (first, last):
        first, last = parts
        name = " ".join(part for part in parts if part)
    return Lead(
        email=known.email,
        first_name=first,
        last_name=last,
        name=name,
        company=newer.company or known.company,
        other_emails=known.other_emails or newer.other_emails,
    )


def _joined(lead: Lead) -> str:
    return " ".join(part for part in (lead.first_name, lead.last_name) if part)
