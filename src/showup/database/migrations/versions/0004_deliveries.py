"""Deliveries go out: attempts, what is sent, lanes, suppressions, and PgQueuer's tables.

Revision ID: 0004
Revises: 0003
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from sqlalchemy.dialects import postgresql
from sqlalchemy.util import await_only

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_INSTANT = sa.DateTime(timezone=True)
_OPEN = sa.text("state IN ('scheduled', 'sending')")


def upgrade() -> None:
    _deliveries()
    _on_the_way()
    _lanes()
    _suppressions()
    _feedback()
    _jobs()


def downgrade() -> None:
    raise NotImplementedError("what was told can't be untold: restore a backup from before")


def _deliveries() -> None:
    columns = (
        sa.Column("priority", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("expires_at", _INSTANT),
        sa.Column("wake_at", _INSTANT),
        sa.Column("attempt_id", postgresql.UUID),
        sa.Column("unwanted", sa.Text),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("withdrawn_by", sa.Text),
        sa.Column("provider", sa.Text),
        sa.Column("provider_id", sa.Text),
        sa.Column("feedback", sa.Text),
        sa.Column("feedback_because", sa.Text),
        sa.Column("feedback_at", _INSTANT),
    )
    for column in columns:
        op.add_column("deliveries", column)
    # Nothing was sent before this version. What was due by then would only surprise people now (PI13).
    op.execute(
        """
        UPDATE deliveries
        SET state = 'skipped', because = 'it was due before this Showup could send', updated_at = now()
        WHERE state = 'scheduled' AND due_at < now()
        """
    )
    # Until when the others are worth telling, the next news of their booking decides; till then, until it begins.
    op.execute(
        """
        UPDATE deliveries d SET wake_at = d.due_at, expires_at = b.start_time,
                                priority = CASE WHEN d.kind = 'remind' THEN 20 ELSE 30 END
        FROM bookings b WHERE b.id = d.booking_id
        """
    )
    op.execute("UPDATE deliveries SET wake_at = due_at WHERE wake_at IS NULL")
    op.alter_column("deliveries", "wake_at", nullable=False)
    op.drop_index("ix_deliveries_due_at", "deliveries")
    lane = ["workspace_id", "destination", "wake_at"]
    op.create_index("ix_deliveries_lane", "deliveries", lane, postgresql_where=_OPEN)
    order = ["workspace_id", "destination", "priority", "due_at", "id", "wake_at"]
    op.create_index("ix_deliveries_next", "deliveries", order, postgresql_where=_OPEN)
    end = ["workspace_id", "destination", "expires_at"]
    op.create_index("ix_deliveries_expires_at", "deliveries", end, postgresql_where=_OPEN)
    op.create_index("ix_deliveries_wake_at", "deliveries", ["wake_at"], postgresql_where=_OPEN)
    kept, failed = sa.text("provider = 'outbox'"), sa.text("state = 'failed'")
    page = ["workspace_id", "delivered_at", "id"]
    op.create_index("ix_deliveries_outbox", "deliveries", page, postgresql_where=kept)
    op.create_index("ix_deliveries_failed", "deliveries", ["workspace_id", "updated_at"], postgresql_where=failed)
    sent = sa.text("provider_id IS NOT NULL")
    op.create_index("ix_deliveries_provider_id", "deliveries", ["provider_id"], postgresql_where=sent)
    followed = sa.text("kind = 'follow_up' AND state = 'delivered'")
    columns_of = ["workspace_id", "recipient"]
    op.create_index("ix_deliveries_recipient", "deliveries", columns_of, postgresql_where=followed)


def _on_the_way() -> None:
    delivery = sa.ForeignKey("deliveries.id", ondelete="CASCADE")
    op.create_table(
        "delivery_contents",
        sa.Column("delivery_id", postgresql.UUID, delivery, primary_key=True),
        sa.Column("content", postgresql.JSON, nullable=False),
        sa.Column("rendered_at", _INSTANT, nullable=False),
    )
    delivery = sa.ForeignKey("deliveries.id", ondelete="CASCADE")
    outcomes = "outcome IN ('delivered', 'try_again', 'gave_up', 'stopped', 'lost')"
    op.create_table(
        "delivery_attempts",
        sa.Column("id", postgresql.UUID, primary_key=True),
        sa.Column("delivery_id", postgresql.UUID, delivery, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("started_at", _INSTANT, nullable=False),
        sa.Column("ended_at", _INSTANT),
        sa.Column("outcome", sa.Text, sa.CheckConstraint(outcomes, name="outcome")),
        sa.Column("because", sa.Text),
    )
    op.create_index("ix_delivery_attempts_delivery_id", "delivery_attempts", ["delivery_id"])


def _lanes() -> None:
    op.create_table(
        "lanes",
        sa.Column("workspace_id", postgresql.UUID, sa.ForeignKey("workspaces.id"), nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("tokens", sa.Double, nullable=False),
        sa.Column("tokens_at", _INSTANT, nullable=False),
        sa.Column("paused_until", _INSTANT),
        sa.Column("because", sa.Text),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("failing_since", _INSTANT),
        sa.Column("passed_at", _INSTANT),
        sa.PrimaryKeyConstraint("workspace_id", "destination"),
    )


def _suppressions() -> None:
    scopes, reasons = "scope IN ('all', 'follow_up')", "reason IN ('bounced', 'complained', 'unsubscribed')"
    op.create_table(
        "suppressions",
        sa.Column("id", postgresql.UUID, primary_key=True),
        sa.Column("workspace_id", postgresql.UUID, sa.ForeignKey("workspaces.id"), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, sa.CheckConstraint(scopes, name="scope"), nullable=False),
        sa.Column("reason", sa.Text, sa.CheckConstraint(reasons, name="reason"), nullable=False),
        sa.Column("because", sa.Text, nullable=False),
        sa.Column("delivery_id", postgresql.UUID),
        sa.Column("event_id", postgresql.UUID),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.UniqueConstraint("workspace_id", "email", "scope"),
    )


def _feedback() -> None:
    log = "calcom_events"
    op.add_column(log, sa.Column("source_id", sa.Text))
    once = sa.text("source_id IS NOT NULL AND duplicate_of IS NULL")
    given = ["workspace_id", "source_id"]
    op.create_index("uq_calcom_events_source_id", log, given, unique=True, postgresql_where=once)
    waiting = sa.text("origin = 'resend' AND state = 'waiting'")
    op.create_index("ix_calcom_events_feedback", log, ["received_at"], postgresql_where=waiting)


def _jobs() -> None:
    # Many statements in one text, which only the driver itself takes; in this transaction all the same.
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    await_only(driver.execute(QueryBuilderEnvironment().build_install_query(create_schema=False)))
