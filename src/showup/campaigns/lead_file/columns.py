"""Finds out which columns of a file feed which field of a lead, by the names that sales tools give them.

The names are those of Instantly, Smartlead, Lemlist, Apollo, EmailBison, HubSpot and spreadsheets; docs/LEADS.md says
which file has which. A person may map other columns.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

Field: TypeAlias = Literal[
    "email",
    "other_email",
    "first_name",
    "last_name",
    "name",
    "company",
    "campaign",
    "sent",
    "first_sent_at",
    "last_sent_at",
    "replied",
    "replied_at",
    "interested",
    "interested_at",
    "bounced",
    "bounced_at",
    "unsubscribed",
    "unsubscribed_at",
    "step",
    "sender_email",
]
"""What a column can feed."""

FIELDS: Final[tuple[Field, ...]] = get_args(Field)
MAX_COLUMNS: Final = 1_000

Tool: TypeAlias = Literal["emailbison", "hubspot"]
"""A tool whose cells need a rule of their own."""

# Each name without case, blanks and signs; the first names win. A company's name for mails comes after its full name.
_KNOWN: Final[Mapping[Field, tuple[str, ...]]] = {
    "email": ("email", "emailaddress", "primaryemail", "leademail", "contactemail", "workemail", "businessemail"),
    "other_email": ("secondaryemail", "tertiaryemail", "additionalemails", "otheremails", "personalemail", "email2"),
    "first_name": ("firstname", "givenname", "vorname", "prénom", "prenom", "voornaam", "nombre"),
    "last_name": ("lastname", "surname", "familyname", "nachname", "nomdefamille", "achternaam", "apellidos"),
    "name": ("fullname", "name", "contactname", "leadname"),
    "company": (
        *("companyname", "company", "organization", "organisation", "organizationname", "accountname", "employer"),
        *("firma", "unternehmen", "société", "entreprise", "bedrijf", "empresa"),
        *("companynameforemails", "associatedcompany", "primaryassociatedcompany"),
    ),
    "campaign": ("campaignname", "campaign"),
    "sent": ("emailssent", "sentcount", "emailssentcount", "sent"),
    "first_sent_at": ("firstsentat", "firstemailsentat"),
    "last_sent_at": ("lastsentat", "lastemailsentat"),
    "replied": ("replied", "hasreplied", "isreplied", "replycount", "replies", "uniquereplies"),
    "replied_at": ("repliedat", "lastrepliedat"),
    "interested": ("interested", "isinterested"),
    "interested_at": ("interestedat",),
    "bounced": ("bounced", "isbounced", "emailbounced", "bounces", "bouncecount"),
    "bounced_at": ("bouncedat",),
    "unsubscribed": ("unsubscribed", "isunsubscribed", "unsubscribedfromallemail", "optedout"),
    "unsubscribed_at": ("unsubscribedat",),
    "step": ("step", "sequencestep", "emailstep", "lastemailsequencesent"),
    "sender_email": ("senderemail", "sendingaccount", "emailaccount", "sentfrom"),
}
_FIELD_OF: Final = {name: field for field, names in _KNOWN.items() for name in names}
_TOOLS: Final[Mapping[Tool, frozenset[str]]] = {
    "emailbison": frozenset({"leadid", "customvariables"}),
    "hubspot": frozenset({"recordid", "associatedcompany"}),
}


class ColumnMapping(Struct, frozen=True, kw_only=True):
    """The columns of a file. `columns` lists, for each field, the positions that feed it: the first filled cell counts.

    `header` is the file's own. `tool` is set where a tool's cells need a rule of their own.
    """

    header: tuple[str, ...]
    columns: Mapping[Field, tuple[int, ...]]
    tool: Tool | None = None

    def named(self) -> dict[str, list[str]]:
        """Return the names of the columns that feed each field."""
        return {field: [self.header[position] for position in found] for field, found in self.columns.items()}

    def unused(self) -> list[str]:
        """Return the names of the columns that feed no field."""
        used = {position for found in self.columns.values() for position in found}
        return [name for position, name in enumerate(self.header) if position not in used and name]


class UnknownColumn(ValueError):
    """A person mapped a column that the file does not have, or to a field that a lead does not have."""


def map_columns(header: Sequence[str], chosen: Mapping[str, str]) -> ColumnMapping:
    """Return the mapping of a file with this header. `chosen` maps names of columns to fields, or to `ignore`.

    A field that a person maps is fed by the chosen columns alone. Raises UnknownColumn.
    """
    cleaned = tuple(" ".join(name.split()) for name in header)
    folded = [fold_name(name) for name in cleaned]
    columns: dict[Field, list[tuple[int, int]]] = {}
    _check_choice(cleaned, folded, chosen)
    choice = {fold_name(name): field for name, field in chosen.items()}
    mapped_fields = set(choice.values())
    for position, name in enumerate(folded):
        if name in choice:
            wanted: Field | None = next((field for field in FIELDS if field == choice[name]), None)
            rank = list(choice).index(name)
        else:
            known = _FIELD_OF.get(name)
            wanted = None if known is None or known in mapped_fields else known
            rank = -1 if wanted is None else _KNOWN[wanted].index(name)
        if wanted is not None:
            columns.setdefault(wanted, []).append((rank, position))
    return ColumnMapping(
        header=cleaned,
        columns={
            field: tuple(position for _, position in sorted(columns[field])) for field in FIELDS if field in columns
        },
        tool=next((tool for tool, names in _TOOLS.items() if names <= set(folded)), None),
    )


def count_known(header: Sequence[str], chosen: Mapping[str, str]) -> int:
    """Return how many columns of a header are known or chosen."""
    names = {fold_name(name) for name in chosen}
    return sum((folded := fold_name(name)) in _FIELD_OF or folded in names for name in header)


def fold_name(name: str) -> str:
    """Return a column's name without case, blanks and signs: `First Name`, `first_name` and `firstName` are one."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character.isalnum())


def _check_choice(header: Sequence[str], folded: Sequence[str], chosen: Mapping[str, str]) -> None:
    for name, field in chosen.items():
        if field not in FIELDS and field != "ignore":
            raise UnknownColumn(f"A lead has no field {field!r}. The fields are: {', '.join(FIELDS)}; or `ignore`.")
        if fold_name(name) not in folded:
            known = ", ".join(repr(one) for one in header[:40] if one)
            raise UnknownColumn(f"The file has no column {name!r}. Its columns are: {known}.")
