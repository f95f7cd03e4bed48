"""The chain that proves the log, over what was settled before there was one as well; and totals."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    """CREATE TABLE chain (
        workspace_id UUID NOT NULL,
        number BIGINT NOT NULL,
        event_id UUID NOT NULL,
        salt BYTEA,
        commitment BYTEA NOT NULL,
        link BYTEA NOT NULL,
        CONSTRAINT pk_chain PRIMARY KEY (workspace_id, number),
        CONSTRAINT fk_chain_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    """CREATE TABLE totals (
        workspace_id UUID NOT NULL,
        name TEXT NOT NULL,
        label TEXT NOT NULL,
        amount DOUBLE PRECISION NOT NULL,
        CONSTRAINT pk_totals PRIMARY KEY (workspace_id, name, label),
        CONSTRAINT fk_totals_workspace_id FOREIGN KEY(workspace_id) REFERENCES workspaces (id)
    )""",
    "ALTER TABLE workspaces ADD COLUMN chain_link BYTEA",
    "CREATE INDEX ix_calcom_events_failed ON calcom_events (id) WHERE state = 'failed'",
)

# An event that is being run again gets its next number, and with it its first link, when it is settled.
NUMBERS_TO_COME = """
    UPDATE calcom_events SET number = NULL
    WHERE number IS NOT NULL AND (workspace_id IS NULL OR state IN ('kept', 'failed'))
"""

# The encoding is that of `inbox.chain` at this revision: tests lay the two side by side.
LINKS = """
    DO $$
    DECLARE
        workspace RECORD;
        event RECORD;
        previous BYTEA;
        made BYTEA;
    BEGIN
        FOR workspace IN SELECT id FROM workspaces LOOP
            previous := NULL;
            FOR event IN
                SELECT number, id, uuid_send(gen_random_uuid()) AS salt,
                       ARRAY[uuid_send(id), digest, uuid_send(account_id), convert_to(origin, 'UTF8'),
                             int8send((extract(epoch FROM received_at) * 1000000)::bigint),
                             convert_to(content_type, 'UTF8'), convert_to(webhook_version, 'UTF8'),
                             convert_to(source_address, 'UTF8')] AS fields
                FROM calcom_events WHERE workspace_id = workspace.id AND number IS NOT NULL ORDER BY number
            LOOP
                SELECT sha256(string_agg(coalesce(int4send(octet_length(field)) || field, int4send(-1)), ''
                                         ORDER BY place))
                INTO made FROM unnest(event.salt || event.fields) WITH ORDINALITY AS of(field, place);
                previous := coalesce(previous, sha256('showup chain of '::bytea || uuid_send(workspace.id)));
                previous := sha256(previous || int8send(event.number) || uuid_send(event.id) || made);
                INSERT INTO chain VALUES (workspace.id, event.number, event.id, event.salt, made, previous);
            END LOOP;
            UPDATE workspaces SET chain_link = previous WHERE id = workspace.id;
        END LOOP;
    END $$
"""


def upgrade() -> None:
    for statement in (*TABLES, NUMBERS_TO_COME, LINKS):
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    op.drop_index("ix_calcom_events_failed", "calcom_events")
    op.drop_column("workspaces", "chain_link")
    op.drop_table("totals")
    op.drop_table("chain")
