"""What is compared, table by table: where its rows are, which of them are the same row, and which columns are state."""

from typing import Final

from msgspec import Struct

from showup.database.tables import metadata


class Compared(Struct, frozen=True, kw_only=True):
    """One table. Rows with the same `key` are the same; `which` says in words, by column, which one it is.

    `stands` and `folded` are what follows FROM on either side: the rows `t`, joined with the workspaces in question,
    `r`; `{real}` stands for the schema of what stands. `also` is selected beside the table's own columns. A pair of
    rows `s` (stands) and `f` (folded) of which `unless` is true does not differ.
    """

    name: str
    key: tuple[str, ...]
    state: tuple[str, ...]
    which: str
    stands: str
    folded: str
    shadow: str
    also: str = ""
    unless: str = ""


def _rows(side: str, name: str, within: str) -> str:
    place = "w" if within else "t"
    return f"{side}.{name} t {within} JOIN rebuilding r ON r.workspace_id = {place}.workspace_id"


def _whole(
    name: str,
    *key: str,
    which: str,
    beside: frozenset[str] = frozenset(),
    within: str = "",
    unless: str = "",
) -> Compared:
    """A table that is compared in all columns but those `beside`; `within` leads to `w`, which knows the workspace."""
    columns = [one.name for one in metadata.tables[name].columns if one.computed is None]
    return Compared(
        name=name,
        key=key,
        state=tuple(one for one in columns if one not in key and one not in beside),
        which=which,
        stands=_rows("{real}", name, within.format(side="{real}", real="{real}")),
        folded=_rows("pg_temp", name, within.format(side="pg_temp", real="{real}")),
        shadow=name,
        unless=unless,
    )


# What was sent, or is over for a reason of the moment of sending, holds whatever the log says by now; and a delivery
# that nothing calls for matters only while it is going to be made. What follows from another delivery, and what is
# about no booking, is called for by no story.
_TOLD: Final = """
    s.state IN ('sending', 'delivered', 'failed') OR s.withdrawn_by IS NOT NULL
    OR s.state = 'scheduled' AND f.state = 'scheduled' AND s.attempts > 0
    OR s.state = 'skipped' AND f.state IS DISTINCT FROM 'skipped'
    OR f.key IS NULL AND s.state <> 'scheduled'
    OR coalesce(s.event_id, f.event_id) IS NULL OR coalesce(s.booking_id, f.booking_id) IS NULL
"""

# What became of a delivery on its way is in no log.
SENT: Final = frozenset(
    {
        *("id", "delivered_at", "created_at", "updated_at", "wake_at", "attempt_id", "unwanted", "failures"),
        *("attempts", "withdrawn_by", "provider", "provider_id", "feedback", "feedback_because", "feedback_at"),
        *("record", "found", "question"),
    }
)

# A line of the journal is all that it says; its number only says when it came.
_LINE: Final = (
    *("t.workspace_id", "t.event_id", "t.at", "t.actor", "t.what", "t.because", "t.change", "t.order_key"),
    *("t.booking_id", "t.person_id", "t.company_id", "t.deal_id"),
)
_SAYS: Final = f"sha256(convert_to(ROW({', '.join(_LINE)})::text, 'UTF8'))"

COMPARED: Final = (
    _whole("rules", "event_id", which="change of rules {event_id}"),
    _whole("companies", "id", which="{key}"),
    _whole("people", "id", which="{email}"),
    _whole("merges", "id", which="{gone} as {stays}"),
    _whole("deals", "id", which="{id}"),
    _whole("bookings", "id", which="{id}"),
    _whole("booking_refs", "workspace_id", "ref", which="{ref}"),
    _whole(
        *("booking_attendees", "booking_id", "position"),
        which="{booking_id}, attendee {position} ({email})",
        within="JOIN {side}.bookings w ON w.id = t.booking_id",
    ),
    _whole(
        *("deal_turns", "story_id", "position"),
        which="{story_id}, turn {position} ({kind})",
        within="JOIN {side}.companies w ON w.id = t.company_id",
    ),
    Compared(
        name="journal",
        key=("line", "copy"),
        state=(),
        which="{at}, {what}: {because}",
        stands=_rows("{real}", "journal", ""),
        folded=_rows("pg_temp", "journal", ""),
        shadow="journal",
        also=f", {_SAYS} AS line, row_number() OVER (PARTITION BY {_SAYS}) AS copy",
    ),
    _whole(
        *("deliveries", "workspace_id", "key"),
        which="{kind} to {recipient}, due {due_at}",
        beside=SENT,
        unless=_TOLD,
    ),
    _whole(
        *("event_refs", "ref", "event_id"),
        which="{ref}",
        within="JOIN {real}.calcom_events w ON w.id = t.event_id",
    ),
    # Of the log, only what was folded has anything to differ from.
    Compared(
        name="calcom_events",
        key=("id",),
        state=("state", "because", "booking_id"),
        which="event {id} ({trigger})",
        stands="{real}.calcom_events t JOIN settled USING (id) JOIN rebuilding r ON r.workspace_id = t.workspace_id",
        folded=_rows("pg_temp", "settled", "JOIN {real}.calcom_events w ON w.id = t.id"),
        shadow="settled",
    ),
)

# Ids that lead on from what went: how many there are depends on the order of arrival, and none of them may be lost.
LEFT_OUT: Final = frozenset({"booking_aliases", "deal_aliases"})
