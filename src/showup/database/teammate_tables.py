"""The tables of people who sign in: teammates, their workspaces, sessions, one-time links and the log of sign-ins."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import UUID

from showup.database.metadata import Instant, metadata

teammates = Table(
    "teammates",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    # As argon2 encodes it; NULL until the teammate sets one.
    Column("password_hash", Text),
    # An IANA name; NULL: that of the workspace.
    Column("time_zone", Text),
    Column(
        "clock", Text, CheckConstraint("clock IN ('24h', '12h')", name="clock"), nullable=False, server_default="24h"
    ),
    Column(
        "theme",
        Text,
        CheckConstraint("theme IN ('system', 'light', 'dark')", name="theme"),
        nullable=False,
        server_default="system",
    ),
    Column("created_at", Instant, nullable=False),
    # The last page that they opened, and the last page of the visit before this one.
    Column("seen_at", Instant),
    Column("last_visit_ended_at", Instant),
)

memberships = Table(
    "memberships",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("teammate_id", UUID, ForeignKey("teammates.id", ondelete="CASCADE"), nullable=False),
    # NULL: every workspace, later ones included.
    Column("workspace_id", UUID, ForeignKey("workspaces.id")),
    Column("role", Text, CheckConstraint("role IN ('admin', 'member', 'read_only')", name="role"), nullable=False),
    UniqueConstraint("teammate_id", "workspace_id", postgresql_nulls_not_distinct=True),
)

sessions = Table(
    "sessions",
    metadata,
    # SHA-256 of the cookie's token, which is stored nowhere.
    Column("digest", LargeBinary, nullable=False),
    Column("teammate_id", UUID, ForeignKey("teammates.id", ondelete="CASCADE"), nullable=False),
    # The workspace that the pages show; NULL before one was chosen.
    Column("workspace_id", UUID, ForeignKey("workspaces.id")),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("digest"),
    Index("ix_sessions_teammate_id", "teammate_id"),
    Index("ix_sessions_expires_at", "expires_at"),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("digest", LargeBinary, nullable=False),
    Column(
        "kind",
        Text,
        CheckConstraint("kind IN ('first_run', 'invitation', 'sign_in')", name="kind"),
        nullable=False,
    ),
    # NULL for the first run: it creates the first teammate.
    Column("teammate_id", UUID, ForeignKey("teammates.id", ondelete="CASCADE")),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    PrimaryKeyConstraint("digest"),
    Index("ix_sign_in_links_teammate_id", "teammate_id"),
)

# What teammates keep of the lists: search, filters and order, as the query string of the page's address.
saved_views = Table(
    "saved_views",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("teammate_id", UUID, ForeignKey("teammates.id", ondelete="CASCADE"), nullable=False),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column(
        "list_name",
        Text,
        CheckConstraint(
            "list_name IN ('deals', 'bookings', 'people', 'companies', 'leads', 'answers')", name="list_name"
        ),
        nullable=False,
    ),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("teammate_id", "workspace_id", "list_name", "name"),
)

# The audit of sign-ins. It refers to teammates by their address, so that it outlives them.
sign_in_log = Table(
    "sign_in_log",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("email", Text, nullable=False),
    Column("what", Text, nullable=False),
    # Who did it, if it was not the teammate: another teammate, or the command line.
    Column("actor", Text),
    Column("source_address", Text),
    Index("ix_sign_in_log_at", "at", "id"),
)
