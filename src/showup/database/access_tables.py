"""The tables that define data ownership: workspaces, connections, routes, keys, senders, rules; and their changes."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from showup.database.metadata import Instant, metadata

workspaces = Table(
    "workspaces",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    # The last number in this workspace's feed; only the applier increments it, under the workspace's lock.
    Column("feed_number", BigInteger, nullable=False, server_default="0"),
    # The newest link of the hash chain that proves the log; NULL before the first.
    Column("chain_link", LargeBinary),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
)

connections = Table(
    "connections",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("settings", JSONB, nullable=False, server_default="{}"),
    Column("credentials", LargeBinary),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    Column("updated_at", Instant, nullable=False, server_default=text("now()")),
    UniqueConstraint("workspace_id", "kind", "name"),
    # A Cal.com account is addressed by its name alone, in the path of its webhook.
    Index("uq_connections_calcom_name", "name", unique=True, postgresql_where=text("kind = 'calcom'")),
)

# The secrets in the path of webhooks that their sender does not sign.
webhook_tokens = Table(
    "webhook_tokens",
    metadata,
    Column("connection_id", UUID, ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True),
    # Encrypted: the newest, and older ones that are still valid for a while.
    Column("secrets", LargeBinary, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

routes = Table(
    "routes",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("account_id", UUID, ForeignKey("connections.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("event_type", Text),
    Column("team_id", BigInteger),
    Column("organizer_domain", Text),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    UniqueConstraint("account_id", "position"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    # NULL grants access to every workspace.
    Column("workspace_id", UUID, ForeignKey("workspaces.id")),
    Column("scope", Text, CheckConstraint("scope IN ('read', 'write', 'admin')", name="scope"), nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    # For whom the key acts: an assistant with it sees this teammate's calendar. NULL: for nobody in particular.
    Column("teammate_id", UUID, ForeignKey("teammates.id", ondelete="SET NULL")),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    # To the minute; NULL: not yet.
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
)

# The addresses that a workspace's mail comes from, with their brands. They go before those of showup.toml.
senders = Table(
    "senders",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    # For which meetings: those booked on this page, or of organizers at this domain; both NULL: for all others.
    Column("host", Text),
    Column("domain", Text),
    Column("address", Text, nullable=False),
    Column("name", Text),
    Column("logo", Text),
    Column("logo_dark", Text),
    Column("color", Text),
    Column("postal_address", Text),
    Column("privacy_url", Text),
    Column("reply_to", Text),
    Column("signature", Text),
    Column("language", Text),
    Column("updated_by", Text, nullable=False),
    Column("updated_at", Instant, nullable=False),
    UniqueConstraint("workspace_id", "host", "domain", postgresql_nulls_not_distinct=True),
)

# Who changed settings that are no events: keys, senders, accounts, outgoing webhooks, workspaces. Never a secret.
settings_log = Table(
    "settings_log",
    metadata,
    Column("id", UUID, primary_key=True),
    # NULL: of all workspaces.
    Column("workspace_id", UUID, ForeignKey("workspaces.id")),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("change", JSONB, nullable=False, server_default="{}"),
    Index("ix_settings_log_at", "at", "id"),
)

# Every change of rules by a person: together they determine the rules at each moment.
rules = Table(
    "rules",
    metadata,
    Column("event_id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("order_key", Text, nullable=False),
    Column("changes", JSONB, nullable=False),
    # NULL: in the whole history.
    Column("since", Instant),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_rules_workspace_id", "workspace_id"),
)

# The response to each mutation with an Idempotency-Key: the same key gets the same response.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("actor", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_digest", LargeBinary, nullable=False),
    Column("status", Integer),
    Column("answer", JSONB),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("actor", "key"),
    Index("ix_idempotency_keys_created_at", "created_at"),
)
