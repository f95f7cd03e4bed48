"""Turns the records of a file into leads, and says of each other record why it is none."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal, TypeAlias, TypeVar

from msgspec import Struct

from showup.campaigns.lead import Lead, Signals
from showup.campaigns.lead_file import cells
from showup.campaigns.lead_file.columns import ColumnMapping, Field

Reason: TypeAlias = Literal[
    "missing_email", "invalid_email", "too_many_columns", "unreadable_text", "cell_too_long", "line_too_long"
]
"""Why a row can't be imported."""

Record: TypeAlias = tuple[list[str] | Reason, int, int]
"""The cells of a record, or why it can't be parsed; its first line and its last line."""

MAX_OTHER_EMAILS: Final = 10

_Value = TypeVar("_Value")


class LeadRow(Struct, frozen=True, kw_only=True):
    """A lead of the file; `line` is the line on which its record begins, from 1. `end`: the last line of the record."""

    line: int
    end: int
    lead: Lead
    signals: Signals
    campaign: str | None = None


class RejectedRow(Struct, frozen=True, kw_only=True):
    """A row that is not imported, and why."""

    line: int
    end: int
    reason: Reason


class IgnoredRow(Struct, frozen=True, kw_only=True):
    """A blank line, an empty row, or the header again: no record."""

    line: int
    end: int


FileRow: TypeAlias = LeadRow | RejectedRow | IgnoredRow

# An export says nothing about a signal whose columns it does not have.
_FLAGS: Final = ("replied", "interested", "bounced", "unsubscribed")
_TIMES: Final = ("first_sent_at", "last_sent_at", "replied_at", "interested_at", "bounced_at", "unsubscribed_at")
_COUNTS: Final = ("sent", "step")
_TEXTS: Final = ("email", "other_email", "first_name", "last_name", "name", "company", "campaign", "sender_email")


class RowReader:
    """Reads records of one file under one mapping."""

    def __init__(self, mapping: ColumnMapping) -> None:
        self._mapping = mapping
        self._width = len(mapping.header)
        self._header = [name.casefold() for name in mapping.header]
        columns = mapping.columns
        self._columns: dict[Field, tuple[int, ...]] = dict(columns)
        self._text_positions = sorted({one for field in _TEXTS for one in columns.get(field, ())})
        self._signal_fields = [field for field in (*_COUNTS, *_FLAGS, *_TIMES, "sender_email") if field in columns]
        self._placeholder = "there" if mapping.tool == "emailbison" else None

    def read(self, record: Sequence[str], line: int, end: int) -> FileRow:
        """Return what a record is."""
        if not any(record) or all(map(cells.is_nothing, record)) or self._is_header(record):
            return IgnoredRow(line=line, end=end)
        if len(record) > self._width and not all(map(cells.is_nothing, record[self._width :])):
            return RejectedRow(line=line, end=end, reason="too_many_columns")
        if len(record) < self._width:
            record = [*record, *([""] * (self._width - len(record)))]
        if any(cells.is_unreadable(record[position]) for position in self._text_positions):
            return RejectedRow(line=line, end=end, reason="unreadable_text")
        emails, has_text = self._emails(record)
        if not emails:
            return RejectedRow(line=line, end=end, reason="invalid_email" if has_text else "missing_email")
        return LeadRow(
            line=line,
            end=end,
            lead=self._lead(record, emails),
            signals=self._signals(record) if self._signal_fields else _NO_SIGNALS,
            campaign=self._first(record, "campaign", cells.clean_text),
        )

    def _is_header(self, record: Sequence[str]) -> bool:
        return (
            record[0].strip().casefold() == self._header[0]
            and [" ".join(cell.split()).casefold() for cell in record] == self._header
        )

    def _emails(self, record: Sequence[str]) -> tuple[list[str], bool]:
        """Return the addresses: the first is the lead's. Further columns never replace an address that is invalid."""
        found: list[str] = []
        has_text = False
        for position in self._columns["email"]:
            addresses, is_filled = cells.read_addresses(record[position])
            if is_filled and not has_text and not addresses:
                return [], True
            has_text = has_text or is_filled
            found += addresses
        if found:
            for position in self._columns.get("other_email", ()):
                found += cells.read_addresses(record[position])[0]
        return list(dict.fromkeys(found))[: MAX_OTHER_EMAILS + 1], has_text

    def _lead(self, record: Sequence[str], emails: Sequence[str]) -> Lead:
        first_name = self._first(record, "first_name", cells.clean_text)
        if first_name is not None and first_name.lower() == self._placeholder:
            first_name = None
        last_name = self._first(record, "last_name", cells.clean_text)
        name = self._first(record, "name", cells.clean_text)
        if name is None:
            name = " ".join(part for part in (first_name, last_name) if part) or None
        company = self._first(record, "company", self._clean_company)
        return Lead(
            email=emails[0],
            first_name=first_name,
            last_name=last_name,
            name=name,
            company=company,
            other_emails=tuple(emails[1:]),
        )

    def _clean_company(self, cell: str) -> str | None:
        # HubSpot writes all values of a contact's property into one cell.
        return cells.clean_text(cell.partition(";")[0] if self._mapping.tool == "hubspot" else cell)

    def _signals(self, record: Sequence[str]) -> Signals:
        values: dict[str, object] = {}
        for field in self._signal_fields:
            if field in _COUNTS:
                values[field] = self._first(record, field, cells.read_count)  # type: ignore[arg-type]
            elif field == "sender_email":
                values[field] = self._first(record, "sender_email", _first_address)
            elif field in _FLAGS:
                values[field] = self._first(record, field, cells.read_flag)  # type: ignore[arg-type]
            else:
                values[field] = self._first(record, field, cells.read_time)  # type: ignore[arg-type]
        # Mails are counted from 1; a tool writes 0 before the first.
        values["step"] = values.get("step") or None
        # The last mail is the earliest known one, if the file says nothing of others.
        values["first_sent_at"] = values.get("first_sent_at") or values.get("last_sent_at")
        for flag in ("replied", "interested", "bounced", "unsubscribed"):
            # A time without a flag says that it happened.
            if values.get(f"{flag}_at") is not None:
                values[flag] = True
        return Signals(**values)  # type: ignore[arg-type]

    def _first(self, record: Sequence[str], field: Field, clean: Callable[[str], _Value | None]) -> _Value | None:
        for position in self._columns.get(field, ()):
            cell = record[position]
            if cell and (value := clean(cell)) is not None:
                return value
        return None


def _first_address(cell: str) -> str | None:
    addresses, _ = cells.read_addresses(cell)
    return addresses[0] if addresses else None


_NO_SIGNALS: Final = Signals()


def read_rows(records: Iterable[Record], mapping: ColumnMapping) -> Iterator[FileRow]:
    """Yield what each record is. A record is given with its first and last line, or with why it can't be parsed."""
    reader = RowReader(mapping)
    for record, line, end in records:
        if isinstance(record, list):
            yield reader.read(record, line, end)
        else:
            yield RejectedRow(line=line, end=end, reason=record)
