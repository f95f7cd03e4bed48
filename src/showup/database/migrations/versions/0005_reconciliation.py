"""Bookings are compared with Cal.com's API: how far, and what came of it.

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "syncs",
        sa.Column("account_id", postgresql.UUID, sa.ForeignKey("connections.id"), primary_key=True),
        sa.Column("began_at", _INSTANT, nullable=False),
        sa.Column("compared_until", _INSTANT),
        sa.Column("next_at", _INSTANT, nullable=False),
        sa.Column("leased_by", postgresql.UUID),
        sa.Column("leased_until", _INSTANT),
        sa.Column("last_ok_at", _INSTANT),
        sa.Column("failing_since", _INSTANT),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("because", sa.Text),
    )
    kinds, states = "kind IN ('poll', 'backfill')", "state IN ('running', 'done', 'failed')"
    op.create_table(
        "reconciliations",
        sa.Column("id", postgresql.UUID, primary_key=True),
        sa.Column("account_id", postgresql.UUID, sa.ForeignKey("connections.id"), nullable=False),
        sa.Column("kind", sa.Text, sa.CheckConstraint(kinds, name="kind"), nullable=False),
        sa.Column("state", sa.Text, sa.CheckConstraint(states, name="state"), nullable=False, server_default="running"),
        sa.Column("because", sa.Text),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("until", _INSTANT, nullable=False),
        sa.Column("place", postgresql.JSONB),
        sa.Column("looked_at", sa.Integer, nullable=False, server_default="0"),
        sa.Column("healed", postgresql.JSONB, nullable=False, server_default="{}"),
        sa.Column("drifting", sa.Integer, nullable=False, server_default="0"),
        sa.Column("drift", postgresql.JSONB, nullable=False, server_default="[]"),
    )
    op.create_index("ix_reconciliations_account_id", "reconciliations", ["account_id", "started_at"])


def downgrade() -> None:
    raise NotImplementedError("what was compared can't be forgotten: restore a backup from before")
