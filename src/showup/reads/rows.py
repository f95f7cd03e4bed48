"""Shared parts of all reads: which rows are visible, and the plain dictionaries that they return."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import ColumnElement, FromClause, RowMapping, Table, select, true
from sqlalchemy.sql.elements import Label

from showup.access.permission import Permission
from showup.database.tables import workspaces

FilterValue = TypeVar("FilterValue")
Item: TypeAlias = dict[str, Any]
"""One record as the API returns it: field → value, with nested records as dictionaries."""


def visible_to(permission: Permission, table: FromClause) -> ColumnElement[bool]:
    """Returns a condition for the rows of the permission's workspace; every read includes it."""
    if permission.workspace_id is None:
        return true()
    return table.c.workspace_id == permission.workspace_id


def can_see_uids(permission: Permission) -> bool:
    """Returns whether answers may contain uids and raw bodies: who knows them can cancel a meeting at Cal.com (S09)."""
    return permission.allows("write")


def if_set(value: FilterValue | None, condition: Callable[[FilterValue], ColumnElement[bool]]) -> ColumnElement[bool]:
    """Returns the condition on a filter's value; no condition if the value is None."""
    return true() if value is None else condition(value)


def if_any(
    values: Sequence[FilterValue], condition: Callable[[Sequence[FilterValue]], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Returns the condition on the values of a filter, any of which may match; no condition if there are none."""
    return condition(values) if values else true()


def workspace_of(table: Table) -> Label[str]:
    """Returns the slug of a row's workspace, as `workspace`."""
    slug = select(workspaces.c.slug).where(workspaces.c.id == table.c.workspace_id).correlate(table)
    return slug.scalar_subquery().label("workspace")


def nested_columns(prefix: str, table: Table, *column_names: str) -> list[Label[Any]]:
    """Returns columns of a joined table that `nest_columns` gathers below `prefix`; the id must be among them."""
    return [table.c[name].label(f"{prefix}.{name}") for name in column_names]


def nest_columns(row: RowMapping) -> Item:
    """Nests columns: `{"person.id": 1}` → `{"person": {"id": 1}}`; a missing joined record becomes None."""
    item: Item = {}
    for label, value in row.items():
        prefix, separator, name = label.partition(".")
        if separator:
            item.setdefault(prefix, {})[name] = value
        else:
            item[label] = value
    missing = {label.removesuffix(".id") for label, value in row.items() if label.endswith(".id") and value is None}
    return item | dict.fromkeys(missing)
