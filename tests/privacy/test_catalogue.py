"""RU5: no table can be forgotten: a new one takes part by its columns, or `privacy.catalogue` says why it doesn't."""

from showup.access.secret_rotation_store import ENCRYPTED
from showup.database.tables import metadata
from showup.inbox.rebuild.shadow import REPLAYED_TABLES
from showup.privacy.catalogue import (
    BYTES,
    DELETED,
    MENTIONED_BY_NAME,
    UNTOUCHED,
    bytes_columns,
    person_tables,
    text_columns,
)


def test_every_table_with_text_is_searched_replayed_or_left_alone_for_a_reason() -> None:
    searched = {table.name for table, _ in person_tables()}
    for table in metadata.sorted_tables:
        if text_columns(table):
            assert table.name in searched | set(REPLAYED_TABLES) | set(UNTOUCHED), table.name


def test_bytes_are_registered_because_nobody_can_search_them() -> None:
    """The table of a new column of files belongs to `UNTOUCHED`, with a step of the erasure that deletes its rows."""
    for table in metadata.sorted_tables:
        known = {column for name, column in BYTES if name == table.name}
        known |= {ENCRYPTED.get(table.name)}
        left = set(bytes_columns(table)) - known
        assert not left or table.name in UNTOUCHED, (table.name, left)


def test_every_registered_name_exists() -> None:
    names = set(metadata.tables)
    assert {*UNTOUCHED, *DELETED, *MENTIONED_BY_NAME, *ENCRYPTED, *(name for name, _ in BYTES)} <= names
    for name, column in (*BYTES, *ENCRYPTED.items()):
        assert column in metadata.tables[name].columns, (name, column)
