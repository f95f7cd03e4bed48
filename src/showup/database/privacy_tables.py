"""The tables of privacy: what was exported and erased, and how an erased address is recognised without its letters."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, Table, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, UUID

from showup.database.metadata import Instant, metadata

# Every export, erasure and run of the retention: who and when, and numbers, never whose data.
privacy_actions = Table(
    "privacy_actions",
    metadata,
    Column("id", UUID, primary_key=True),
    # NULL: all workspaces.
    Column("workspace_id", UUID, ForeignKey("workspaces.id")),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    # exported, erased, retention or secrets_rotated.
    Column("what", Text, nullable=False),
    Column("counts", JSONB, nullable=False, server_default="{}"),
    Index("ix_privacy_actions_at", "workspace_id", "at", "id"),
)

# Erasures that were requested on a page or by the API and are not done yet. The row goes with the erasure.
requested_erasures = Table(
    "requested_erasures",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("person_id", UUID, nullable=False),
    # Encrypted.
    Column("email", LargeBinary, nullable=False),
    Column("actor", Text, nullable=False),
    Column("requested_at", Instant, nullable=False),
    # Why it could not be done.
    Column("because", Text),
    UniqueConstraint("workspace_id", "person_id"),
)

# The random key, encrypted, of the workspace's hashes of erased addresses.
erasure_keys = Table(
    "erasure_keys",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), primary_key=True),
    Column("key", LargeBinary, nullable=False),
)

# The keyed hash of each erased address, and what stands for the address and its person's name.
erased_addresses = Table(
    "erased_addresses",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("address", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("erased_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "hash", "address"),
)
