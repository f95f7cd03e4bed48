"""What people do is in the log, and so are the rules.

Revision ID: 0003
Revises: 0002
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_STATES = "'kept', 'applied', 'ignored', 'unreadable', 'waiting', 'failed', 'duplicate'"
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _log()
    _people_and_companies()
    _deals()
    _merges()
    _rules()
    _idempotency()


def downgrade() -> None:
    raise NotImplementedError("what people did can't be taken out of the log: restore a backup from before")


def _log() -> None:
    op.alter_column("calcom_events", "account_id", nullable=True)
    op.add_column("calcom_events", sa.Column("actor", sa.Text))
    op.drop_constraint("ck_calcom_events_state", "calcom_events")
    op.create_check_constraint("state", "calcom_events", f"state IN ({_STATES}, 'refused')")
    op.create_index(
        "ix_journal_deeds",
        "journal",
        ["event_id"],
        postgresql_where=sa.text("deal_id IS NULL AND booking_id IS NULL"),
    )


def _people_and_companies() -> None:
    op.add_column("companies", sa.Column("key", sa.Text))
    op.execute("UPDATE companies SET key = 'domain:' || domain")
    op.alter_column("companies", "key", nullable=False)
    op.drop_constraint("uq_companies_workspace_id_domain", "companies")
    op.create_unique_constraint("uq_companies_workspace_id_key", "companies", ["workspace_id", "key"])
    op.add_column("people", sa.Column("company_key", sa.Text))
    op.execute("UPDATE people p SET company_key = c.key FROM companies c WHERE c.id = p.company_id")
    op.add_column("people", sa.Column("company_seen", sa.Text, nullable=False, server_default=""))
    for table in ("companies", "people"):
        op.add_column(table, sa.Column("recorded", sa.Boolean, nullable=False, server_default=sa.text("false")))
    for name in ("outcome", "outcome_notes", "next_step"):
        op.add_column("bookings", sa.Column(name, sa.Text))


def _deals() -> None:
    op.drop_constraint("fk_deal_turns_booking_id", "deal_turns")
    op.alter_column("deal_turns", "booking_id", new_column_name="story_id")
    op.add_column("deal_turns", sa.Column("by_hand", postgresql.JSONB))
    op.create_table(
        "deal_aliases",
        sa.Column("alias_id", sa.UUID, nullable=False),
        sa.Column("opened_by", sa.UUID, nullable=False),
        sa.Column("workspace_id", sa.UUID, nullable=False),
        sa.PrimaryKeyConstraint("alias_id", name="pk_deal_aliases"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_deal_aliases_workspace_id"),
    )


def _merges() -> None:
    op.create_table(
        "merges",
        sa.Column("id", sa.UUID, nullable=False),
        sa.Column("workspace_id", sa.UUID, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("gone", sa.Text, nullable=False),
        sa.Column("stays", sa.Text, nullable=False),
        sa.Column("gone_id", sa.UUID, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('people', 'companies')", name="kind"),
        sa.PrimaryKeyConstraint("id", name="pk_merges"),
        sa.UniqueConstraint("workspace_id", "kind", "gone", name="uq_merges_workspace_id_kind_gone"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_merges_workspace_id"),
    )
    op.create_index("ix_merges_gone_id", "merges", ["gone_id"])


def _rules() -> None:
    # `showup serve` adopts showup.toml anew, as the first command of each workspace.
    op.drop_table("rules")
    op.create_table(
        "rules",
        sa.Column("event_id", sa.UUID, nullable=False),
        sa.Column("workspace_id", sa.UUID, nullable=False),
        sa.Column("order_key", sa.Text, nullable=False),
        sa.Column("changes", postgresql.JSONB, nullable=False),
        sa.Column("since", _INSTANT),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_rules"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name="fk_rules_workspace_id"),
    )
    op.create_index("ix_rules_workspace_id", "rules", ["workspace_id"])


def _idempotency() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("answer", postgresql.JSONB),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("actor", "key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
