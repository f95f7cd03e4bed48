"""The tables of the assistant: teammates' Cal.com accounts and Slack users, approvals, grants, settings and chats."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from showup.database.metadata import Instant, metadata

# A teammate's own accounts at Cal.com: their calendar and booking links.
calcom_profiles = Table(
    "calcom_profiles",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("teammate_id", UUID, ForeignKey("teammates.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    # Encrypted: calcom_api_key or the tokens of OAuth, and calcom_username.
    Column("credentials", LargeBinary, nullable=False),
    Column("is_oauth", Boolean, nullable=False),
    # When the access token ends; NULL for an API key.
    Column("expires_at", Instant),
    # Why Cal.com no longer accepts it; NULL while it does.
    Column("because", Text),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("teammate_id", "name"),
)

# A sign-in at Cal.com that was started and did not come back yet; each can come back once.
calcom_authorizations = Table(
    "calcom_authorizations",
    metadata,
    # SHA-256 of the state that Cal.com sends back.
    Column("digest", LargeBinary, nullable=False),
    Column("teammate_id", UUID, ForeignKey("teammates.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    # Encrypted: the verifier of PKCE.
    Column("verifier", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False),
    PrimaryKeyConstraint("digest"),
    Index("ix_calcom_authorizations_teammate_id", "teammate_id"),
    Index("ix_calcom_authorizations_expires_at", "expires_at"),
)

# Changes that assistants asked for. `difference` is what the change would do, as it was shown to the person.
approvals = Table(
    "approvals",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("tool", Text, nullable=False),
    Column("arguments", JSONB, nullable=False),
    Column("difference", JSONB, nullable=False),
    # Who asked: `key:NAME` or `teammate:EMAIL`.
    Column("requested_by", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", Instant),
    # Why it was not done.
    Column("because", Text),
    # The events of the log that did it, and those that undid it.
    Column("event_ids", ARRAY(UUID), nullable=False, server_default="{}"),
    Column("undone_by", Text),
    Column("undone_at", Instant),
    # What undoes it: the commands of the tool, as it recorded them.
    Column("undo", JSONB),
    CheckConstraint("state IN ('pending', 'done', 'denied', 'expired', 'outdated', 'refused')", name="state"),
    Index("ix_approvals_created_at", "workspace_id", "created_at", "id"),
    Index("ix_approvals_pending", "workspace_id", "requested_by", postgresql_where=text("state = 'pending'")),
    Index("ix_approvals_event_ids", "event_ids", postgresql_using="gin"),
)

# Which Slack user is which teammate, so that they can grant in Slack. A workspace's own app vouches for its users.
slack_users = Table(
    "slack_users",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    # The ids of Slack's workspace and of its member.
    Column("team", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("teammate_id", UUID, ForeignKey("teammates.id", ondelete="CASCADE"), nullable=False),
    Column("linked_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "team", "member"),
    UniqueConstraint("teammate_id", "workspace_id"),
)

# Reversible changes that a person allowed a key or teammate's assistant for good.
tool_grants = Table(
    "tool_grants",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    # Whose assistant: `key:NAME` or `teammate:EMAIL`.
    Column("actor", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("granted_by", Text, nullable=False),
    Column("granted_at", Instant, nullable=False),
    PrimaryKeyConstraint("workspace_id", "actor", "tool"),
)

# The kill switch and the budgets of a workspace; without a row, the defaults hold.
assistant_settings = Table(
    "assistant_settings",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), primary_key=True),
    Column("is_on", Boolean, nullable=False),
    Column("calls_per_day", Integer, nullable=False),
    Column("changes_per_day", Integer, nullable=False),
    Column("tokens_per_day", Integer, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
)

# What a key's or teammate's assistant used on one day (UTC).
assistant_usage = Table(
    "assistant_usage",
    metadata,
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("calls", Integer, nullable=False, server_default="0"),
    Column("changes", Integer, nullable=False, server_default="0"),
    Column("tokens", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("workspace_id", "actor", "day"),
)

# The conversations of each key or teammate with the chat; `title` begins as the first question.
conversations = Table(
    "conversations",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    # When it was last answered.
    Column("updated_at", Instant, nullable=False),
    Index("ix_conversations_actor", "workspace_id", "actor", "updated_at"),
)

# The messages of a conversation, as the model's API has them.
chat_messages = Table(
    "chat_messages",
    metadata,
    Column("conversation_id", UUID, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("role", Text, CheckConstraint("role IN ('user', 'assistant')", name="role"), nullable=False),
    Column("content", JSONB, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("conversation_id", "number"),
)

# The question of a key or teammate that has no complete answer yet: the page reads the answer as a stream.
chat_questions = Table(
    "chat_questions",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workspace_id", UUID, ForeignKey("workspaces.id"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("conversation_id", UUID, ForeignKey("conversations.id", ondelete="CASCADE"), nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    # When a stream began to answer it; each question is answered once.
    Column("taken_at", Instant),
    UniqueConstraint("workspace_id", "actor"),
    Index("ix_chat_questions_conversation_id", "conversation_id"),
)
