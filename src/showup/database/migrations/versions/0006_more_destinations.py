"""More is told than mail: subscriptions, outgoing webhooks, mirrors of CRMs, questions for people.

Revision ID: 0006
Revises: 0005
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_INSTANT = sa.DateTime(timezone=True)
_TEXTS = postgresql.ARRAY(sa.Text)


def upgrade() -> None:
    _deliveries()
    _subscriptions()
    _endpoints()
    _mirrors()


def downgrade() -> None:
    raise NotImplementedError("what was told can't be untold: restore a backup from before")


def _deliveries() -> None:
    op.alter_column("deliveries", "booking_id", nullable=True)
    op.alter_column("deliveries", "event_id", nullable=True)
    for column in (
        sa.Column("deal_id", postgresql.UUID),
        sa.Column("record", sa.Text),
        sa.Column("found", postgresql.JSONB, nullable=False, server_default="{}"),
        sa.Column("question", postgresql.JSONB),
    ):
        op.add_column("deliveries", column)
    op.create_index("ix_deliveries_deal_id", "deliveries", ["deal_id"], postgresql_where=sa.text("deal_id IS NOT NULL"))
    op.drop_constraint(op.f("ck_delivery_attempts_outcome"), "delivery_attempts")
    op.create_check_constraint(
        op.f("ck_delivery_attempts_outcome"),
        "delivery_attempts",
        "outcome IN ('delivered', 'try_again', 'asked', 'gave_up', 'stopped', 'lost')",
    )


def _subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", postgresql.UUID, primary_key=True),
        sa.Column("workspace_id", postgresql.UUID, sa.ForeignKey("workspaces.id"), nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("kinds", _TEXTS, nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("until", _INSTANT),
    )
    op.create_index(
        "uq_subscriptions_open",
        "subscriptions",
        ["workspace_id", "destination"],
        unique=True,
        postgresql_where=sa.text("until IS NULL"),
    )


def _endpoints() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", postgresql.UUID, primary_key=True),
        sa.Column("workspace_id", postgresql.UUID, sa.ForeignKey("workspaces.id"), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("kinds", _TEXTS, nullable=False),
        sa.Column("secrets", sa.LargeBinary, nullable=False),
        sa.Column("paused_at", _INSTANT),
        sa.Column("because", sa.Text),
        sa.Column("deleted_at", _INSTANT),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("updated_at", _INSTANT, nullable=False),
    )
    op.create_index("ix_endpoints_workspace_id", "endpoints", ["workspace_id", "created_at", "id"])


def _mirrors() -> None:
    op.create_table(
        "mirrored",
        sa.Column("workspace_id", postgresql.UUID, sa.ForeignKey("workspaces.id"), nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("list", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("last_name", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("updated_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "destination", "record"),
    )
    op.create_index("ix_mirrored_last_name", "mirrored", ["workspace_id", "destination", "last_name"])
    op.create_table(
        "mirrors",
        sa.Column("workspace_id", postgresql.UUID, sa.ForeignKey("workspaces.id"), nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("list", sa.Text, nullable=False),
        sa.Column("synced_until", _INSTANT, nullable=False),
        sa.Column("synced_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "destination", "list"),
    )
