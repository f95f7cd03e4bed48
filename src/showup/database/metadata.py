"""Conventions that all tables share: metadata, constraint names, time type and search columns."""

from sqlalchemy import Computed, MetaData
from sqlalchemy.dialects.postgresql import TIMESTAMP

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Instant = TIMESTAMP(timezone=True)


def search_column(*columns: str) -> Computed:
    """Return a search column over `columns` that splits addresses and domains into words."""
    joined = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
    return Computed(f"to_tsvector('simple', translate({joined}, '@._-+/', '      '))", persisted=True)
