"""Defines the comparison of each table: where its rows are, which rows match, and which columns are compared."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from showup.database.tables import metadata


class ComparedTable(Struct, frozen=True, kw_only=True):
    """One table. Rows with the same `key` match; `label` selects readable text that identifies a row.

    `current_from` and `replayed_from` are the FROM clauses of the two sides: the rows `t`, joined with the workspaces
    of the rebuild, `r`; `{real}` is replaced with the schema of the current data. `extra_columns` are selected beside
    the table's own columns. A pair of rows `s` (current) and `f` (replayed) for which `ignored_when` is true does not
    differ.
    """

    name: str
    key: tuple[str, ...]
    state: tuple[str, ...]
    label: str
    current_from: str
    replayed_from: str
    shadow_name: str
    extra_columns: str = ""
    ignored_when: str = ""


def _from_clause(side: str, name: str, join: str) -> str:
    alias = "w" if join else "t"
    return f"{side}.{name} t {join} JOIN rebuilding r ON r.workspace_id = {alias}.workspace_id"


def _table(
    name: str,
    *key: str,
    label: str,
    ignored_columns: frozenset[str] = frozenset(),
    join: str = "",
    ignored_when: str = "",
) -> ComparedTable:
    """Returns a table compared in all columns but `ignored_columns`; `join` adds `w`, which has the workspace."""
    columns = [column.name for column in metadata.tables[name].columns if column.computed is None]
    return ComparedTable(
        name=name,
        key=key,
        state=tuple(column for column in columns if column not in key and column not in ignored_columns),
        label=label,
        current_from=_from_clause("{real}", name, join.format(side="{real}", real="{real}")),
        replayed_from=_from_clause("pg_temp", name, join.format(side="pg_temp", real="{real}")),
        shadow_name=name,
        ignored_when=ignored_when,
    )


SUM_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "booking_weeks": ("bookings",),
    "campaign_deals": ("bookings", "matches"),
    "people_weeks": ("funnel_people",),
    "record_counts": ("companies", "people", "deals"),
}
"""Sums that triggers keep, and of which tables. A row of zeros is the same as no row."""


def _sums(name: str) -> ComparedTable:
    table = metadata.tables[name]
    key = tuple(column.name for column in table.primary_key.columns)
    numbers = [column.name for column in table.columns if column.name not in key]
    is_equal = " AND ".join(f"coalesce(s.{one}, 0) = coalesce(f.{one}, 0)" for one in numbers)
    summed = ", ".join(f"'{one}'" for one in SUM_TABLES[name])
    return _table(
        name,
        *key,
        label=", ".join(f"{{{column}}}" for column in key[1:]),
        # Where rows differ, their sums do too, and say nothing new.
        ignored_when=f"{is_equal} OR EXISTS (SELECT FROM differing WHERE about IN ({summed}))",
    )


# A delivery that was sent or previewed, or ended for a reason at the time of sending, remains valid whatever the log
# says now; one that was withdrawn meanwhile keeps the event and the times with which its sending began. A delivery that
# no event plans matters only while it is still going to be sent. No booking history plans deliveries that follow from
# another delivery, or that are about no booking.
_DELIVERY_IGNORED_WHEN: Final = """
    s.state IN ('sending', 'delivered', 'previewed', 'failed') OR s.withdrawn_by IS NOT NULL
    OR s.state IN ('scheduled', 'withdrawn') AND f.state = s.state AND s.attempts > 0
    OR s.state = 'skipped' AND f.state IS DISTINCT FROM 'skipped'
    OR f.key IS NULL AND s.state <> 'scheduled'
    OR coalesce(s.event_id, f.event_id) IS NULL OR coalesce(s.booking_id, f.booking_id) IS NULL
"""

# The log does not contain the progress of a delivery.
DELIVERY_PROGRESS_COLUMNS: Final = frozenset(
    {
        *("id", "delivered_at", "created_at", "updated_at", "wake_at", "attempt_id", "unwanted", "failures"),
        *("attempts", "withdrawn_by", "provider", "provider_id", "feedback", "feedback_because", "feedback_at"),
        *("record", "found", "question"),
    }
)

# An audit log row is identified by its content; its number only says when it was added.
_AUDIT_COLUMNS: Final = (
    *("t.workspace_id", "t.event_id", "t.at", "t.actor", "t.what", "t.because", "t.change", "t.order_key"),
    *("t.booking_id", "t.person_id", "t.company_id", "t.deal_id"),
)
_AUDIT_HASH: Final = f"sha256(convert_to(ROW({', '.join(_AUDIT_COLUMNS)})::text, 'UTF8'))"

COMPARED_TABLES: Final = (
    _table("rules", "event_id", label="change of rules {event_id}"),
    _table("companies", "id", label="{key}"),
    _table("people", "id", label="{email}"),
    _table("merges", "id", label="{gone} as {stays}"),
    _table("deals", "id", label="{id}"),
    _table("bookings", "id", label="{id}"),
    _table("booking_refs", "workspace_id", "ref", label="{ref}"),
    _table(
        *("booking_attendees", "booking_id", "position"),
        label="{booking_id}, attendee {position} ({email})",
        join="JOIN {side}.bookings w ON w.id = t.booking_id",
    ),
    _table("matches", "id", label="{attendee} as {lead_email}"),
    _table("proposals", "id", label="proposal {number} ({title})"),
    _table("funnel_seats", "id", label="booking {booking_id} of lead {lead_id}"),
    _table(
        *("funnel_people", "person_id", "simulated", "levels", "campaign_id", "organizer_email", "lead_id"),
        label="person {person_id} as lead {lead_id} in campaign {campaign_id} with {organizer_email}",
    ),
    _table(
        *("funnel_deals", "deal_id", "simulated", "organizer_email"),
        label="deal {deal_id} of lead {lead_id} with {organizer_email}",
    ),
    _table(
        *("booking_facts", "booking_id"),
        label="{booking_id}",
        # Counted from the deliveries, whose progress the log does not contain.
        ignored_columns=frozenset({"reminders", "counted_version"}),
    ),
    _table("stage_visits", "deal_id", "position", label="{deal_id}, stage {position} ({stage})"),
    _table(
        *("deal_events", "stream_id", "position"),
        label="{stream_id}, event {position} ({kind})",
        join="JOIN {side}.companies w ON w.id = t.company_id",
    ),
    ComparedTable(
        name="audit_log",
        key=("line", "copy"),
        state=(),
        label="{at}, {what}: {because}",
        current_from=_from_clause("{real}", "audit_log", ""),
        replayed_from=_from_clause("pg_temp", "audit_log", ""),
        shadow_name="audit_log",
        extra_columns=f", {_AUDIT_HASH} AS line, row_number() OVER (PARTITION BY {_AUDIT_HASH}) AS copy",
    ),
    _table(
        *("deliveries", "workspace_id", "key"),
        label="{kind} to {recipient}, due {due_at}",
        ignored_columns=DELIVERY_PROGRESS_COLUMNS,
        ignored_when=_DELIVERY_IGNORED_WHEN,
    ),
    _table(
        *("event_refs", "ref", "event_id"),
        label="{ref}",
        join="JOIN {real}.inbox_events w ON w.id = t.event_id",
    ),
    *(_sums(table) for table in SUM_TABLES),
    # Of the log, only replayed events have anything to differ from.
    ComparedTable(
        name="inbox_events",
        key=("id",),
        state=("state", "because", "booking_id"),
        label="event {id} ({trigger})",
        current_from="{real}.inbox_events t JOIN replayed_events USING (id) "
        "JOIN rebuilding r ON r.workspace_id = t.workspace_id",
        replayed_from=_from_clause("pg_temp", "replayed_events", "JOIN {real}.inbox_events w ON w.id = t.id"),
        shadow_name="replayed_events",
    ),
)

# Redirects from merged ids: how many exist depends on the order of arrival, and none of them may be lost.
IGNORED_TABLES: Final = frozenset({"booking_aliases", "deal_aliases"})
