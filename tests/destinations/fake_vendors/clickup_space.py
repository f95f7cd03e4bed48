"""A ClickUp workspace: lists, tasks and comments, with their search, creation and changes."""

import json
import re
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from showup.clock import Clock
from tests.vendors.server import Refusal

PAGE = 100
COMMENTS = 25
STATUSES = ("to do", "Meeting Booked", "Meeting Cancelled", "No Show", "Met", "complete")
_MARK = re.compile(r"Showup [0-9a-f]{12}")


class ClickUpRefusal(Refusal):
    def __init__(self, status: int, err: str, code: str) -> None:
        super().__init__(status, {"err": err, "ECODE": code})


@dataclass
class FakeList:
    id: str
    name: str
    email_field: str | None
    statuses: tuple[str, ...] = STATUSES

    @property
    def fields(self) -> list[dict[str, Any]]:
        defaults = {"type_config": {}, "date_created": "1622176979540", "hide_from_guests": False}
        found = [{"id": f"phone-{self.id}", "name": "Phone", "type": "phone"} | defaults]
        if self.email_field is not None:
            found.append({"id": f"email-{self.id}", "name": self.email_field, "type": "email"} | defaults)
        return found

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "statuses": [{"status": one} for one in self.statuses]}

    def status(self, named: str) -> str:
        for one in self.statuses:
            if one.casefold() == named.casefold():
                return one
        raise ClickUpRefusal(400, "Status not found", "CRTSK_001")


@dataclass
class FakeTask:
    id: str
    list_id: FakeList
    name: str
    status: str
    created_at: datetime
    updated_at: datetime
    values: dict[str, str] = field(default_factory=dict)
    description: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        """Returns the comments, oldest first."""
        return [one["comment_text"] for one in self.comments]

    def as_json(self, *, markdown: bool) -> dict[str, Any]:
        closed = self.status == self.list_id.statuses[-1]
        values = [one | {"value": self.values[one["id"]]} for one in self.list_id.fields if one["id"] in self.values]
        without = [one for one in self.list_id.fields if one["id"] not in self.values]
        status = {
            "status": self.status.lower(),
            "type": "closed" if closed else "open",
            "color": "#000",
            "orderindex": 1,
        }
        return {
            "id": self.id,
            "name": self.name,
            "status": status,
            "description": self.description,
            "date_created": unix_ms(self.created_at),
            "date_updated": unix_ms(self.updated_at),
            "custom_fields": values + without,
            "list": {"id": self.list_id.id, "name": self.list_id.name, "access": True},
            "url": f"https://app.clickup.com/t/{self.id}",
        } | ({"markdown_description": self.description} if markdown else {})


class Space:
    """A workspace with the three lists of the documentation. `effects` counts changes, by Showup's markers.

    `heeds_case`: whether the filter `==` tells capital from small letters; ClickUp does not say whether it does.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.heeds_case = True
        self.lists = {
            one.id: one
            for one in (
                FakeList("901", "Brokers", "Email"),
                FakeList("902", "Sellers", "Email"),
                FakeList("903", "Inbound Leads", "Email"),
            )
        }
        self.tasks: dict[str, FakeTask] = {}
        self.effects: Counter[str] = Counter()
        self._numbers = 0
        self._lock = threading.RLock()

    def add(
        self, list_id: str, name: str, email: str | None = None, *, description: str = "", days_ago: float = 30
    ) -> FakeTask:
        """Adds a task that existed before."""
        with self._lock:
            at = self.clock() - timedelta(days=days_ago)
            there = self.lists[list_id]
            values = {f"email-{list_id}": email} if email else {}
            task = FakeTask(self._id("86a"), there, name, there.statuses[0], at, at, values, description)
            self.tasks[task.id] = task
            return task

    def of_list(self, list_id: str) -> list[FakeTask]:
        return [one for one in self.tasks.values() if one.list_id.id == list_id]

    def task(self, task_id: str) -> FakeTask:
        if task_id not in self.tasks:
            raise ClickUpRefusal(404, "Task not found, deleted or archived", "ITEM_013")
        return self.tasks[task_id]

    def list_of(self, list_id: str) -> FakeList:
        if list_id not in self.lists:
            raise ClickUpRefusal(404, "List not found", "SUBCAT_016")
        return self.lists[list_id]

    def search(self, list_id: str, query: dict[str, str]) -> dict[str, Any]:
        there = self.list_of(list_id)
        with self._lock:
            found = [one for one in self.of_list(list_id) if self._matches(one, there, query)]
        key = (lambda one: one.updated_at) if query.get("order_by") == "updated" else (lambda one: one.created_at)
        found.sort(key=key, reverse=query.get("reverse") != "true")
        first = int(query.get("page", "0")) * PAGE
        markdown = query.get("include_markdown_description") == "true"
        page = [one.as_json(markdown=markdown) for one in found[first : first + PAGE]]
        return {"tasks": page, "last_page": len(found) <= first + PAGE}

    def create(self, list_id: str, asked: dict[str, Any]) -> dict[str, Any]:
        there = self.list_of(list_id)
        known = {one["id"] for one in there.fields}
        for one in asked.get("custom_fields", []):
            if one["id"] not in known:
                raise ClickUpRefusal(400, "Custom field does not exist", "FIELD_015")
            if one["id"].startswith("email-") and "@" not in one["value"]:
                raise ClickUpRefusal(400, "Value is not a valid email", "FIELD_017")
        with self._lock:
            task = self.add(list_id, asked["name"], days_ago=0)
            task.values = {one["id"]: one["value"] for one in asked.get("custom_fields", [])}
            task.status = there.status(asked.get("status", there.statuses[0]))
            task.description = edited(asked.get("markdown_content", ""))
            self._count("lead", task.description)
        return task.as_json(markdown=False)

    def change(self, task_id: str, asked: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            task = self.task(task_id)
            if "status" in asked:
                task.status = task.list_id.status(asked["status"])
            if "markdown_content" in asked:
                task.description = edited(asked["markdown_content"])
            task.updated_at = self.clock()
        return task.as_json(markdown=False)

    def comment(self, task_id: str, asked: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            task = self.task(task_id)
            number = self._id("")
            stored = {"id": number, "comment_text": asked["comment_text"], "date": unix_ms(self.clock())}
            task.comments.append(stored)
            task.updated_at = self.clock()
            self._count("comment", asked["comment_text"])
        return {"id": int(number), "hist_id": "26508", "date": int(stored["date"])}

    def comments(self, task_id: str, query: dict[str, str]) -> dict[str, Any]:
        newest_first = self.task(task_id).comments[::-1]
        if "start_id" in query:
            ids = [one["id"] for one in newest_first]
            newest_first = newest_first[ids.index(query["start_id"]) + 1 :]
        return {"comments": newest_first[:COMMENTS]}

    def _matches(self, task: FakeTask, there: FakeList, query: dict[str, str]) -> bool:
        if query.get("include_closed") != "true" and task.status == there.statuses[-1]:
            return False
        if int(unix_ms(task.updated_at)) <= int(query.get("date_updated_gt", "-1")):
            return False
        if int(unix_ms(task.created_at)) <= int(query.get("date_created_gt", "-1")):
            return False
        return all(self._has(task, there, one) for one in json.loads(query.get("custom_fields", "[]")))

    def _has(self, task: FakeTask, there: FakeList, asked: dict[str, str]) -> bool:
        if asked["field_id"] not in {one["id"] for one in there.fields}:
            raise ClickUpRefusal(400, "Custom field does not exist", "FIELD_015")
        value = task.values.get(asked["field_id"], "")
        if asked["operator"] == "==":
            return value == asked["value"] or (not self.heeds_case and value.lower() == asked["value"].lower())
        if asked["operator"] == "=":
            return asked["value"].casefold() in value.casefold()
        raise ClickUpRefusal(400, "Custom field filter operator is invalid", "FIELD_011")

    def _count(self, what: str, text: str) -> None:
        if (mark := _MARK.search(text)) is not None:
            self.effects[f"{what} {mark[0]}"] += 1

    def _id(self, begin: str) -> str:
        self._numbers += 1
        return f"{begin}{self._numbers:06d}" if begin else str(90_000_000 + self._numbers)


def edited(markdown: str) -> str:
    """Returns Markdown as ClickUp's editor does: separate paragraphs, its own bullet style, no trailing spaces."""
    lines = [re.sub(r"^- ", "*   ", line.rstrip()) for line in markdown.strip().splitlines() if line.strip()]
    return "\n\n".join(lines)


def unix_ms(moment: datetime) -> str:
    return f"{moment.timestamp() * 1000:.0f}"
