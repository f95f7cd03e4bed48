"""What the page of an import says: how the file is read, what is new in it, and why rows are refused. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from showup.campaigns.imports_store import LeadImport, RejectedLine
from showup.campaigns.lead_file.columns import FIELDS, Field
from showup.campaigns.lead_file.file import LeadFile
from showup.campaigns.lead_file.rows import LeadRow
from showup.commands.check_leads import MAX_CHECKED_ROWS, LeadCheck
from showup.web.dashboard.words import count

MAX_COLUMNS: Final = 40
"""So many columns of a file can be assigned on the page; a wider file has the others as they are detected."""
_MAX_LISTED: Final = 20

FIELD_WORDS: Final[Mapping[Field, str]] = {
    "email": "Email address",
    "other_email": "Further addresses",
    "first_name": "First name",
    "last_name": "Last name",
    "name": "Full name",
    "company": "Company",
    "campaign": "Campaign",
    "sent": "Mails sent",
    "first_sent_at": "First mail sent",
    "last_sent_at": "Last mail sent",
    "replied": "Replied",
    "replied_at": "Replied, when",
    "interested": "Interested",
    "interested_at": "Interested, when",
    "bounced": "Bounced",
    "bounced_at": "Bounced, when",
    "unsubscribed": "Unsubscribed",
    "unsubscribed_at": "Unsubscribed, when",
    "step": "Mail that was answered",
    "sender_email": "Sender’s mailbox",
}
_REASONS: Final[Mapping[str, str]] = {
    "missing_email": "no email address",
    "invalid_email": "no valid email address",
    "too_many_columns": "more cells than the header has columns; often an unquoted separator",
    "unreadable_text": "text that can’t be read in this encoding",
    "cell_too_long": "a cell of more than 128 KiB; often a missing quotation mark",
    "line_too_long": "a line of more than 1 MiB",
}
_SEPARATORS: Final[Mapping[str, str]] = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
_ENCODINGS: Final[Mapping[str, str]] = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8",
    "cp1252": "Windows-1252 (Latin-1)",
    "cp1250": "Windows-1250 (Central Europe)",
    "cp1251": "Windows-1251 (Cyrillic)",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
}
ENCODING_CHOICES: Final = {name: _ENCODINGS[name] for name in ("utf-8", "cp1252", "cp1250", "cp1251", "utf-16")}
SEPARATOR_CHOICES: Final[Mapping[str, str]] = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}


class ColumnRow(Struct, frozen=True, kw_only=True):
    """A column of the file: `field` is what it feeds, in words; `choice` the field that a person chose for it."""

    name: str
    field: str
    choice: str


class RefusedRows(Struct, frozen=True, kw_only=True):
    """Rows that are refused for one reason, with their first lines in words."""

    number: int
    reason: str
    lines: str


class CheckView(Struct, frozen=True, kw_only=True):
    """What the page shows of a checked file. `button` imports it; None: there is nothing to import."""

    title: str
    is_known: bool
    facts: Sequence[tuple[str, str]]
    reading: str
    columns: Sequence[ColumnRow]
    more_columns: int
    refused: Sequence[RefusedRows]
    campaigns: Sequence[tuple[str, int]]
    more_campaigns: int
    samples: Sequence[LeadRow]
    button: str | None


def columns_of(header: Sequence[str], fed: Mapping[Field, Sequence[str]], chosen: Mapping[str, str]) -> list[ColumnRow]:
    """Return the columns that the page lists, with what each feeds."""
    field_of = {name: field for field, names in fed.items() for name in names}
    names = [*dict.fromkeys(name for name in header if name)]
    return [
        ColumnRow(
            name=name,
            field=FIELD_WORDS[field_of[name]] if name in field_of else "Not used",
            choice=chosen.get(name, ""),
        )
        for name in names[:MAX_COLUMNS]
    ]


def build_check(file: LeadFile, check: LeadCheck, chosen: Mapping[str, str]) -> CheckView:
    """Return what the page says of a file before its import."""
    named = file.mapping.named()
    columns = columns_of(file.mapping.header, {field: named.get(field, []) for field in FIELDS}, chosen)
    width = len({name for name in file.mapping.header if name})
    campaigns = sorted(check.campaigns.items(), key=lambda one: (-one[1], one[0]))
    return CheckView(
        title=_title(check),
        is_known=check.earlier is not None and check.earlier.state == "done",
        facts=_facts(check),
        reading=f"Read as {_encoding(file.encoding)}, separated by {_separator(file.layout.separator)}.",
        columns=columns,
        more_columns=max(width - len(columns), 0),
        refused=refused_rows(check.rejected, check.rejected_rows),
        campaigns=campaigns[:_MAX_LISTED],
        more_campaigns=max(len(campaigns) - _MAX_LISTED, 0),
        samples=check.first_rows,
        button=_button(check),
    )


def refused_rows(rejected: Mapping[str, int], rows: Sequence[RejectedLine]) -> list[RefusedRows]:
    """Return the refused rows by reason, the most frequent first."""
    lines: dict[str, list[int]] = {}
    for row in rows:
        lines.setdefault(row.reason, []).append(row.line)
    return [
        RefusedRows(number=number, reason=_REASONS.get(reason, reason), lines=_lines(lines.get(reason, []), number))
        for reason, number in sorted(rejected.items(), key=lambda one: -one[1])
    ]


def import_title(done: LeadImport) -> str:
    """Return what an import did, as a headline."""
    return f"Imported {count(done.accepted, 'lead')}." if done.accepted else "No lead was imported."


def _title(check: LeadCheck) -> str:
    if check.earlier is not None and check.earlier.state == "done":
        return "This file was imported already. Importing it again changes nothing."
    if check.earlier is not None:
        return f"The import of this file was interrupted at line {check.earlier.position:,}. It continues there."
    if not check.accepted:
        return "No row of this file is a lead."
    more = "" if check.is_complete else f" in the first {MAX_CHECKED_ROWS:,} rows"
    return f"{count(check.accepted, 'lead')}{more}: {check.leads['new']:,} new, {check.leads['changed']:,} changed."


def _facts(check: LeadCheck) -> list[tuple[str, str]]:
    facts = [
        ("New", count(check.leads["new"], "person", "people")),
        ("Changed", f"{check.leads['changed']:,} known: another campaign, newer names or counts"),
        ("Unchanged", f"{check.leads['same']:,}"),
        ("Matched", f"{count(check.matched, 'person', 'people')} who booked, by address"),
        ("Repeated", f"{check.repeated:,}: they fill what the first row left empty"),
        ("Blank", f"{check.ignored:,}"),
        ("Refused", count(sum(check.rejected.values()), "row")),
    ]
    always = {"New", "Changed", "Matched", "Refused"}
    return [(name, words) for name, words in facts if name in always or not words.startswith("0")]


def _button(check: LeadCheck) -> str | None:
    if check.earlier is not None:
        return None if check.earlier.state == "done" else "Continue the import"
    if not check.accepted:
        return None
    return f"Import {count(check.accepted, 'lead')}" if check.is_complete else "Import all leads"


def _lines(lines: Sequence[int], number: int) -> str:
    shown = ", ".join(f"{line:,}" for line in lines[:_MAX_LISTED])
    more = number - min(len(lines), _MAX_LISTED)
    return f"{'line' if number == 1 else 'lines'} {shown}" + (f" and {more:,} more" if more else "")


def _encoding(name: str) -> str:
    return _ENCODINGS.get(name.lower().replace("_", "-"), name)


def _separator(separator: str) -> str:
    return _SEPARATORS.get(separator, f"“{separator}”")
