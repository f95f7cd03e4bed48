"""The calls of ClickUp's API v2 that Showup uses, their objects, and the layouts of lists, which are cached."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import httpx2
from msgspec import Struct

from showup.clock import Clock
from showup.destinations.contract import GaveUp
from showup.destinations.destination_kind import Meter
from showup.destinations.record_status import same_status
from showup.destinations.vendor_api import Authorization, ErrorReading, Json, Vendor, VendorApi, VendorError, bearer
from showup.values.email_address import normalize_email

# The token itself is refused; the other codes of a 401 mean a workspace that the token can't open.
_TOKEN_ERRORS: Final = frozenset({"OAUTH_017", "OAUTH_018", "OAUTH_019", "OAUTH_021", "OAUTH_025", "OAUTH_077"})
URL: Final = "https://api.clickup.com/api/v2"
PAGE: Final = 100
"""The number of tasks per page, except on the last."""

_PERSONAL: Final = "pk_"
_CACHE_TTL: Final = timedelta(minutes=10)


class Field(Struct, frozen=True, kw_only=True):
    """A custom field, of a list or with its value in a task."""

    id: str
    name: str = ""
    type: str = ""
    value: Any = None


class Status(Struct, frozen=True, kw_only=True):
    """A status, by its name."""

    status: str = ""


class ListReference(Struct, frozen=True, kw_only=True):
    """The list that a task belongs to."""

    id: str = ""


class Task(Struct, frozen=True, kw_only=True):
    """A task.

    `date_updated` is Unix time in milliseconds, as text; the description is None where it was not requested.
    """

    id: str
    name: str = ""
    url: str | None = None
    status: Status = Status()
    list: ListReference = ListReference()
    date_updated: str | None = None
    markdown_description: str | None = None
    custom_fields: tuple[Field, ...] = ()

    @property
    def updated_ms(self) -> int:
        """Returns the time of the last change, in milliseconds of Unix time; 0 where it is missing."""
        text = self.date_updated or ""
        return int(text) if text.isdecimal() else 0

    @property
    def updated_at(self) -> datetime:
        """Returns the same time as an aware datetime."""
        return datetime.fromtimestamp(self.updated_ms / 1000, UTC)

    def email(self, field_id: str | None) -> str:
        """Returns a custom field's value in lower case; empty where it has none."""
        values = (one.value for one in self.custom_fields if one.id == field_id)
        return next((normalize_email(value) for value in values if isinstance(value, str)), "")


class TaskList(Struct, frozen=True, kw_only=True):
    """A list: its name and the statuses of its tasks."""

    id: str
    name: str = ""
    statuses: tuple[Status, ...] = ()


class Comment(Struct, frozen=True, kw_only=True):
    """A comment; `date` is Unix time in milliseconds, as text. Its id is text in a list, and a number on its own."""

    id: str | int
    comment_text: str = ""
    date: str | None = None


def _read_error(status: int, payload: Json) -> ErrorReading | None:
    if "err" not in payload:
        return None
    code, words = str(payload.get("ECODE")), str(payload["err"])
    is_token_error = code in _TOKEN_ERRORS or not code.startswith("OAUTH_")
    return ErrorReading(status=403 if status == 401 and not is_token_error else status, code=code, words=words)


CLICKUP: Final = Vendor(
    name="ClickUp",
    read_error=_read_error,
    fix_credentials="Correct CLICKUP_API_TOKEN",
    fix_access="Give the token's owner access to that list, or use another token",
    fix_url="Check CLICKUP_API_URL",
)


class ClickUpClient:
    """Makes the calls of one delivery or one health check. Each raises VendorError."""

    def __init__(self, client: httpx2.AsyncClient, *, url: str, token: str, meter: Meter, clock: Clock) -> None:
        authorization = _authorization(token.strip())
        self._api = VendorApi(client, CLICKUP, url=url, authorization=authorization, clock=clock, meter=meter)

    async def get_user(self) -> None:
        """Returns the token's user, to check that the token is valid."""
        await self._call("GET", "/user", "the token's owner")

    async def get_list(self, list_id: str) -> TaskList:
        payload = await self._call("GET", f"/list/{_quoted(list_id)}", f"the list {list_id}")
        return self._api.parse(payload, TaskList)

    async def get_fields(self, list_id: str) -> tuple[Field, ...]:
        payload = await self._call("GET", f"/list/{_quoted(list_id)}/field", f"the fields of the list {list_id}")
        return self._api.parse(payload.get("fields"), tuple[Field, ...])

    async def get_tasks(self, list_id: str, **params: str) -> list[Task]:
        """Returns one page of a list's tasks, with closed tasks and subtasks; the query is ClickUp's own."""
        query = {"include_closed": "true", "subtasks": "true", "include_timl": "true", "page": "0"} | params
        payload = await self._call(
            "GET", f"/list/{_quoted(list_id)}/task", f"the tasks of the list {list_id}", query=query
        )
        return self._api.parse(payload.get("tasks"), list[Task])

    async def get_task(self, task_id: str) -> Task:
        query = {"include_markdown_description": "true"}
        return self._api.parse(
            await self._call("GET", f"/task/{_quoted(task_id)}", f"the task {task_id}", query=query), Task
        )

    async def create_task(self, list_id: str, body: dict[str, Any]) -> Task:
        what = f"a new task in the list {list_id}"
        return self._api.parse(await self._call("POST", f"/list/{_quoted(list_id)}/task", what, body=body), Task)

    async def update_task(self, task_id: str, body: dict[str, Any]) -> None:
        await self._call("PUT", f"/task/{_quoted(task_id)}", f"an update of the task {task_id}", body=body)

    async def get_comments(self, task_id: str, after: Comment | None = None) -> list[Comment]:
        """Returns the newest comments of a task, or those older than a given comment."""
        query = {} if after is None else {"start": after.date or "0", "start_id": str(after.id)}
        what = f"the comments of the task {task_id}"
        payload = await self._call("GET", f"/task/{_quoted(task_id)}/comment", what, query=query)
        return self._api.parse(payload.get("comments"), list[Comment])

    async def create_comment(self, task_id: str, text: str) -> str:
        """Writes a comment and returns its id. Only the task's watchers are notified."""
        body = {"comment_text": text, "notify_all": False}
        payload = await self._call(
            "POST", f"/task/{_quoted(task_id)}/comment", f"a comment on the task {task_id}", body=body
        )
        if not (written := str(payload.get("id") or "")):
            raise self._api.unexpected("a comment without an id")
        return written

    async def _call(
        self, method: str, path: str, what: str, *, query: dict[str, str] | None = None, body: object = None
    ) -> Json:
        # ClickUp's documentation requires the content type even where there is no body.
        headers = {b"Content-Type": b"application/json"}
        return await self._api.call(method, path, what=what, headers=headers, params=query or {}, json=body)


def _authorization(token: str) -> Authorization:
    """Returns the token as ClickUp expects it: a personal one, or one with its own scheme, as it is."""
    is_plain = token.startswith(_PERSONAL) or " " in token
    return Authorization(token.encode(), (token, token.rpartition(" ")[2])) if is_plain else bearer(token)


def _quoted(text: str) -> str:
    return quote(text, safe="")


class Layout(Struct, frozen=True, kw_only=True):
    """One list's layout. `statuses` are spelled as in ClickUp."""

    id: str
    name: str
    statuses: tuple[str, ...]
    fields: tuple[Field, ...]
    read_at: datetime

    def status(self, name: str) -> str | None:
        """Returns a status as the list spells it, ignoring case and spacing; None where the list has no such status."""
        return next((one for one in self.statuses if same_status(one, name)), None)

    def field(self, name: str) -> str | None:
        """Returns a field's id; None where the list has no such field."""
        return next((one.id for one in self.fields if one.name.strip().casefold() == name.strip().casefold()), None)

    def missing_status(self, name: str) -> str:
        """Returns the error text for a missing status."""
        available = ", ".join(self.statuses) or "it has none"
        return f"the list {self.name} ({self.id}) has no status {name!r}: add it, or set one that exists ({available})"

    def missing_field(self, name: str) -> str:
        """Returns the error text for a missing field."""
        available = ", ".join(sorted(one.name for one in self.fields)) or "it has none"
        return (
            f"the list {self.name} ({self.id}) has no custom field {name!r}: add a field of the type email, "
            f"or set `email_field` to one that exists ({available})"
        )


class LayoutCache:
    """The layouts read with one token. A layout older than ten minutes is read again; an incorrect one is dropped."""

    def __init__(self) -> None:
        self._layouts: dict[str, Layout] = {}

    async def get(self, api: ClickUpClient, list_id: str, now: datetime) -> Layout:
        """Returns a list's layout. Raises VendorError."""
        known = self._layouts.get(list_id)
        if known is not None and now - known.read_at < _CACHE_TTL:
            return known
        self._layouts[list_id] = known = await _fetch(api, list_id, now)
        return known

    def forget(self, before: datetime) -> bool:
        """Drops the layouts read before a moment; returns whether there were any."""
        old = [name for name, one in self._layouts.items() if one.read_at < before]
        for name in old:
            del self._layouts[name]
        return bool(old)


async def _fetch(api: ClickUpClient, list_id: str, now: datetime) -> Layout:
    try:
        found = await api.get_list(list_id)
        fields = await api.get_fields(list_id)
    except VendorError as error:
        raise _list_error(list_id, error) from None
    statuses = tuple(one.status for one in found.statuses)
    return Layout(id=list_id, name=found.name or list_id, statuses=statuses, fields=fields, read_at=now)


def _list_error(list_id: str, error: VendorError) -> VendorError:
    if error.status not in (400, 404):
        return error
    because = (
        f"ClickUp has no list {list_id}, or the token can't see it: correct `lists` and `inbound_list`. "
        "The id is the number at the end of the list's link"
    )
    return VendorError(GaveUp(because=because), error.status)
