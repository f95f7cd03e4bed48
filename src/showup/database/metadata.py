"""Conventions that all tables share: metadata, constraint names, time type and search columns."""

from typing import Final

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


# Letters that Unicode does not decompose, as people type them without a special keyboard: one for one, then by two.
FOLDED_LETTERS: Final = ("ØøŁłĐđĦħıÐð", "OoLlDdHhiDd")
FOLDED_PAIRS: Final = (
    ("ß", "ss"),
    ("ẞ", "SS"),
    ("Æ", "AE"),
    ("æ", "ae"),
    ("Œ", "OE"),
    ("œ", "oe"),
    ("Þ", "TH"),
    ("þ", "th"),
)


def search_column(*columns: str) -> Computed:
    """Return a search column over `columns` that splits addresses and domains into words, without accents.

    It uses only functions that every PostgreSQL has: extensions such as unaccent are missing on some.
    """
    joined = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
    decomposed = rf"regexp_replace(normalize({joined}, NFKD), '[\u0300-\u036f]', '', 'g')"
    folded = f"normalize({decomposed}, NFKC)"
    for letter, pair in FOLDED_PAIRS:
        folded = f"replace({folded}, '{letter}', '{pair}')"
    source, target = FOLDED_LETTERS
    return Computed(f"to_tsvector('simple', translate({folded}, '@._-+/{source}', '      {target}'))", persisted=True)
