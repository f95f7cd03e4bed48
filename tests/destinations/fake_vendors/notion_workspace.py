"""A Notion workspace: databases, data sources with property types, and pages, with checks of each request.

Stricter than Notion where Notion's behaviour is unknown: a filter must have its property's type.
"""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.vendors.server import Refusal

TEXTS = ("title", "rich_text")


class NotionRefusal(Refusal):
    def __init__(self, status: int, code: str, message: str) -> None:
        body = {"object": "error", "status": status, "code": code, "message": message}
        super().__init__(status, body | {"request_id": "6f1d2f4e-58c4-4f0c-9d0e-0f4a5a1c0002"})


def invalid(message: str) -> NotionRefusal:
    return NotionRefusal(400, "validation_error", message)


@dataclass
class Page:
    id: str
    source: str
    values: dict[str, Any]
    edited: int
    in_trash: bool = False


@dataclass
class Workspace:
    """`shared`: what the integration can see. `effects` counts lasting changes, by page."""

    databases: dict[str, list[str]] = field(default_factory=dict)
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    effects: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._edits = 0

    def add_database(self, types: Mapping[str, Any]) -> str:
        """Adds a database with one data source; a type is a name, or a name and its options."""
        database = str(uuid4())
        self.databases[database] = []
        self.add_source(database, "Everything", types)
        return database

    def add_source(self, database: str, name: str, types: Mapping[str, Any]) -> str:
        source = str(uuid4())
        self.databases[database].append(source)
        self.sources[source] = {"name": name, "properties": {one: _schema(one, kind) for one, kind in types.items()}}
        return source

    def add_page(self, database: str, values: Mapping[str, Any]) -> str:
        """Adds a page to the database's first data source; values as text, or in Notion's own shape."""
        source = self.databases[database][0]
        made = Page(str(uuid4()), source, {}, self._edit())
        for name, value in values.items():
            kind = self.sources[source]["properties"][name]["type"]
            made.values[name] = value if isinstance(value, dict) else _stored_value(kind, value)
        self.pages[made.id] = made
        return made.id

    def properties_of(self, page_id: str) -> dict[str, Any]:
        """Returns a page's values in short form."""
        kinds = self.sources[self.pages[page_id].source]["properties"]
        return {name: shown(kinds[name]["type"], value) for name, value in self.pages[page_id].values.items()}

    def database(self, database_id: str) -> dict[str, Any]:
        self._referenced_property(database_id, self.databases, "database")
        named = [{"id": one, "name": self.sources[one]["name"]} for one in self.databases[database_id]]
        return {"object": "database", "id": database_id, "data_sources": named, "in_trash": False}

    def data_source(self, source_id: str) -> dict[str, Any]:
        self._referenced_property(source_id, self.sources, "data_source")
        return {"object": "data_source", "id": source_id, "properties": self.sources[source_id]["properties"]}

    def query(self, source_id: str, asked: dict[str, Any]) -> dict[str, Any]:
        self._referenced_property(source_id, self.sources, "data_source")
        if not 1 <= asked.get("page_size", 100) <= 100:
            raise invalid("body failed validation: body.page_size should be between 1 and 100")
        found = [
            self._page(one)
            for one in self.pages.values()
            if one.source == source_id and not one.in_trash and self._matches(one, asked["filter"])
        ]
        return {"object": "list", "results": found, "next_cursor": None, "has_more": False}

    def page(self, page_id: str) -> dict[str, Any]:
        self._referenced_property(page_id, self.pages, "page")
        return self._page(self.pages[page_id])

    def update(self, page_id: str, asked: dict[str, Any]) -> dict[str, Any]:
        self._referenced_property(page_id, self.pages, "page")
        page = self.pages[page_id]
        if page.in_trash:
            raise invalid("Can't edit block that is archived. You must unarchive the block before editing.")
        kinds = self.sources[page.source]["properties"]
        with self._lock:
            taken = {name: _accepted_value(kinds, name, value) for name, value in asked["properties"].items()}
            if any(page.values.get(name) != value for name, value in taken.items()):
                self.effects[page_id] += 1
            page.values |= taken
            page.edited = self._edit()
        return self._page(page)

    def _referenced_property(self, asked: str, among: Mapping[str, Any], kind: str) -> None:
        if asked not in among or asked in self.hidden:
            words = (
                f"Could not find {kind} with ID: {asked}. "
                "Make sure the relevant pages and databases are shared with your integration."
            )
            raise NotionRefusal(404, "object_not_found", words)

    def _edit(self) -> int:
        self._edits += 1
        return self._edits

    def _page(self, page: Page) -> dict[str, Any]:
        kinds = self.sources[page.source]["properties"]
        shaped = {
            name: {"id": name, "type": one["type"], one["type"]: page.values.get(name, _nothing(one["type"]))}
            for name, one in kinds.items()
        }
        return {
            "object": "page",
            "id": page.id,
            "in_trash": page.in_trash,
            "last_edited_time": f"2026-01-01T00:{page.edited // 60:02}:{page.edited % 60:02}.000Z",
            "parent": {"type": "data_source_id", "data_source_id": page.source},
            "properties": shaped,
        }

    def _matches(self, page: Page, condition: dict[str, Any]) -> bool:
        name = condition["property"]
        kind = self.sources[page.source]["properties"].get(name, {}).get("type")
        if kind is None:
            raise invalid(f"Could not find property with name or id: {name}")
        if kind not in condition:
            operator = next(one for one in condition if one != "property")
            raise invalid(f"database property {kind} does not match filter {operator}")
        expected = condition[kind].get("string", condition[kind]) if kind == "formula" else condition[kind]
        text = str(shown(kind, page.values.get(name, _nothing(kind))) or "")
        if "contains" in expected:
            return str(expected["contains"]).lower() in text.lower()
        return text == expected["equals"]


def shown(kind: str, value: Any) -> Any:
    match kind:
        case "title" | "rich_text":
            return "".join(part["plain_text"] for part in value)
        case "select" | "status":
            return value["name"] if value else None
        case "multi_select":
            return [one["name"] for one in value]
        case "date":
            return value["start"] if value else None
        case "formula":
            return value["string"]
        case _:
            return value


def _schema(name: str, kind: Any) -> dict[str, Any]:
    kind, *options = (kind,) if isinstance(kind, str) else kind
    body = {"options": [{"id": one, "name": one} for one in options]} if kind.endswith(("select", "status")) else {}
    return {"id": name, "name": name, "type": kind, kind: body}


def _nothing(kind: str) -> Any:
    return {"title": [], "rich_text": [], "multi_select": [], "checkbox": False, "formula": {"string": None}}.get(kind)


def _stored_value(kind: str, text: Any) -> Any:
    match kind:
        case "title" | "rich_text":
            return [_text(text)]
        case "select" | "status":
            return {"name": text}
        case "multi_select":
            return [{"name": one} for one in text]
        case "date":
            return {"start": text}
        case "formula":
            return {"type": "string", "string": text}
        case _:
            return text


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": {"content": text, "link": None}, "plain_text": text, "href": None}


def _accepted_value(kinds: Mapping[str, Any], name: str, value_sent: dict[str, Any]) -> Any:
    """Returns the value as Notion stores it. Raises NotionRefusal, in Notion's words."""
    if name not in kinds:
        raise invalid(f"{name} is not a property that exists.")
    kind = kinds[name]["type"]
    if kind not in value_sent or kind in ("formula", "rollup", "created_time", "people", "relation"):
        raise invalid(f"{name} is expected to be {kind}.")
    value = value_sent[kind]
    if kind in TEXTS:
        if any(len(part["text"]["content"]) > 2000 for part in value):
            raise invalid(f"body.properties.{name}.{kind}[0].text.content.length should be ≤ `2000`")
        return [_text(part["text"]["content"]) for part in value]
    if kind.endswith(("select", "status")):
        _opt(kinds[name][kind]["options"], value if kind == "multi_select" else [value], kind)
    return value


def _opt(options: list[dict[str, str]], chosen: list[dict[str, str]], kind: str) -> None:
    """Returns the option; creates a missing one, except for a status."""
    names = {one["name"] for one in options}
    for one in chosen:
        if one["name"] not in names and kind == "status":
            raise invalid(f'Invalid status option. Status option "{one["name"]}" does not exist".')
        if one["name"] not in names:
            options.append({"id": one["name"], "name": one["name"]})
