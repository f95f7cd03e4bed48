"""How each table takes part in exports and erasures. A table that isn't named here takes part by its columns.

`person_tables` gives the tables with texts: whichever row names the person, or belongs to their bookings, deliveries or
leads, is exported and redacted. Bytes can't be redacted, so each such column is registered here: the test that walks
over all tables fails until it is.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSON, JSONB

from showup.database.tables import metadata
from showup.inbox.rebuild.shadow import REPLAYED_TABLES

UNTOUCHED: Final[Mapping[str, str]] = {
    "inbox_events": "its bodies are redacted by their meaning, in inbox.redaction",
    "chain": "digests only; the salts of redacted events are erased",
    "delivery_contents": "the rows of the person's deliveries are deleted: their attachments can't be redacted",
    "proposal_files": "the files of the person's proposals are deleted: they can't be redacted",
    "leads": "the person's leads get the pseudonym in privacy.leads",
    "workspaces": "no person is in it",
    "connections": "settings and encrypted credentials of other systems",
    "webhook_tokens": "encrypted secrets",
    "routes": "no person is in it",
    "endpoints": "addresses and secrets of other systems",
    "subscriptions": "no person is in it",
    "destination_queues": "no person is in it; its reasons are about the destination",
    "api_keys": "names and digests of keys",
    "teammates": "teammates are no prospects: `showup teammates remove`",
    "memberships": "as above",
    "sessions": "as above",
    "sign_in_links": "as above",
    "calcom_profiles": "as above",
    "calcom_authorizations": "as above",
    "slack_users": "as above",
    "tool_grants": "what assistants of teammates may do",
    "assistant_settings": "no person is in it",
    "assistant_usage": "counts",
    "totals": "counts",
    "webhook_refusals": "names of accounts",
    "syncs": "progress",
    "lead_walks": "progress",
    "lead_sources": "the workspace of another system",
    "campaigns": "names of campaigns",
    "campaign_totals": "counts",
    "campaign_days": "counts",
    "mail_senders": "the team's own mailboxes",
    "fact_weeks": "counts",
    "week_summaries": "counts",
    "week_counts": "counts",
    "mail_weeks": "counts by the team's own mailboxes",
    "privacy_actions": "who did what, never about whom",
    "requested_erasures": "encrypted, and gone with the erasure",
    "erasure_keys": "an encrypted random key",
    "erased_addresses": "keyed hashes and pseudonyms",
}
"""Tables that the walk leaves alone, and why."""

BYTES: Final[Mapping[tuple[str, str], str]] = {
    ("idempotency_keys", "request_digest"): "the digest of a request, which has a random key beside it",
    ("lead_imports", "digest"): "the digest of a whole file",
}
"""Columns of bytes in tables that the walk does not leave alone, and why they tell nothing of a person."""

DELETED: Final = frozenset(("mirrored_records",))
"""Tables whose rows about the person are deleted: copies of what other systems have, with names cut into parts."""

MENTIONED_BY_NAME: Final = frozenset(
    {
        *("conversations", "chat_messages", "chat_questions"),
        *("approvals", "mirrored_records", "saved_views", "acknowledgements"),
    }
)
"""Tables whose texts may name a person without their address: there, the full name suffices."""

REFERENCES: Final[Mapping[str, str]] = {
    "booking_id": "bookings",
    "delivery_id": "deliveries",
    "person_id": "people",
    "deal_id": "deals",
    "lead_id": "leads",
    "event_id": "events",
}
"""Columns by which a row belongs to the person, and to which of their ids."""


def person_tables() -> Iterator[tuple[Table, list[str]]]:
    """Yields each table whose rows are searched for the person, with its columns of text.

    What is projected from the log is not: the replay of the redacted log replaces it. Deliveries are in both, because
    the log does not know what became of them.
    """
    for table in metadata.sorted_tables:
        is_replayed = table.name in REPLAYED_TABLES and table.name != "deliveries"
        columns = text_columns(table)
        if columns and not is_replayed and table.name not in UNTOUCHED:
            yield table, columns


def text_columns(table: Table) -> list[str]:
    """Returns the columns of a table in which texts can be: text, lists of text, and JSON."""
    return [
        column.name
        for column in table.columns
        if column.computed is None
        and (
            isinstance(column.type, Text | JSON | JSONB)
            or (isinstance(column.type, ARRAY) and isinstance(column.type.item_type, Text))
        )
    ]


def bytes_columns(table: Table) -> list[str]:
    """Returns the columns of a table that hold bytes."""
    return [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
