"""What every read has in common: whose rows it may see, and the plain dictionaries that it answers."""

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, RowMapping, Table, true
from sqlalchemy.sql.elements import Label

from showup.access.permit import Permit

Asked = TypeVar("Asked")
Found: TypeAlias = dict[str, Any]
"""One thing as the API shows it: field → value, nested things as dictionaries of their own."""


def seen_by(permit: Permit, table: Table) -> ColumnElement[bool]:
    """Only rows of the permit's workspace; every read has this among its conditions."""
    if permit.workspace_id is None:
        return true()
    return table.c.workspace_id == permit.workspace_id


def when(value: Asked | None, condition: Callable[[Asked], ColumnElement[bool]]) -> ColumnElement[bool]:
    """The condition on a value that a filter gives; nothing is asked of a row when it gives None."""
    return true() if value is None else condition(value)


def within(noun: str, table: Table, *names: str) -> list[Label[Any]]:
    """Columns of a joined table, which `shaped` gathers below `noun`; the id must be among them."""
    return [table.c[name].label(f"{noun}.{name}") for name in names]


def shaped(row: RowMapping) -> Found:
    """`{"person.id": 1}` → `{"person": {"id": 1}}`; a joined thing that is not there is None."""
    found: Found = {}
    for label, value in row.items():
        noun, dot, name = label.partition(".")
        if dot:
            found.setdefault(noun, {})[name] = value
        else:
            found[label] = value
    absent = {label.removesuffix(".id") for label, value in row.items() if label.endswith(".id") and value is None}
    return found | dict.fromkeys(absent)
