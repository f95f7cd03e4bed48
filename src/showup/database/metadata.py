"""What all tables share: one catalogue, one way to name constraints, one kind of time, one kind of search."""

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


def words(*columns: str) -> Computed:
    """A search column over `columns`, in which the parts of an address or a domain are words of their own."""
    joined = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
    return Computed(f"to_tsvector('simple', translate({joined}, '@._-+/', '      '))", persisted=True)
