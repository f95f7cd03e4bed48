"""Calls ClickUp's API v2. One `ClickUpClient` serves one delivery, and its first call is already counted."""

from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from showup.clock import Clock
from showup.destinations.clickup.errors import ClickUpError, error_from, unexpected_response
from showup.destinations.clickup.task import Comment, Field, Task, TaskList, parse_task
from showup.destinations.contract import TryAgain
from showup.destinations.destination_kind import Meter, OverLimit
from showup.destinations.vendor_api import json_body, no_response

URL: Final = "https://api.clickup.com/api/v2"
PAGE: Final = 100
"""The number of tasks per page, except on the last."""

_PERSONAL: Final = "pk_"
Parsed = TypeVar("Parsed")


class ClickUpClient:
    """Makes the calls. Each raises ClickUpError, with the resulting outcome, for any unexpected response."""

    def __init__(self, client: httpx2.AsyncClient, *, url: str, token: str, meter: Meter, clock: Clock) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._token = token.strip()
        self._meter = meter
        self._clock = clock
        self._prepaid_calls = 1

    async def get_user(self) -> None:
        """Returns the token's user, to check that the token is valid."""
        await self._call("GET", "/user", "the token's owner")

    async def get_list(self, list_id: str) -> TaskList:
        payload = await self._call("GET", f"/list/{_quoted(list_id)}", f"the list {list_id}")
        return _parse(payload, TaskList)

    async def get_fields(self, list_id: str) -> tuple[Field, ...]:
        payload = await self._call("GET", f"/list/{_quoted(list_id)}/field", f"the fields of the list {list_id}")
        return _parse(payload.get("fields"), tuple[Field, ...])

    async def get_tasks(self, list_id: str, **params: str) -> list[Task]:
        """Returns one page of a list's tasks, with closed tasks and subtasks; the query is ClickUp's own."""
        query = {"include_closed": "true", "subtasks": "true", "include_timl": "true", "page": "0"} | params
        payload = await self._call(
            "GET", f"/list/{_quoted(list_id)}/task", f"the tasks of the list {list_id}", query=query
        )
        return _parse(payload.get("tasks"), list[Task])

    async def get_task(self, task_id: str) -> Task:
        query = {"include_markdown_description": "true"}
        return _parse_task(await self._call("GET", f"/task/{_quoted(task_id)}", f"the task {task_id}", query=query))

    async def create_task(self, list_id: str, body: dict[str, Any]) -> Task:
        what = f"a new task in the list {list_id}"
        return _parse_task(await self._call("POST", f"/list/{_quoted(list_id)}/task", what, body=body))

    async def update_task(self, task_id: str, body: dict[str, Any]) -> None:
        await self._call("PUT", f"/task/{_quoted(task_id)}", f"an update of the task {task_id}", body=body)

    async def get_comments(self, task_id: str, after: Comment | None = None) -> list[Comment]:
        """Returns the newest comments of a task, or those older than a given comment."""
        query = {} if after is None else {"start": after.date or "0", "start_id": str(after.id)}
        what = f"the comments of the task {task_id}"
        payload = await self._call("GET", f"/task/{_quoted(task_id)}/comment", what, query=query)
        return _parse(payload.get("comments"), list[Comment])

    async def create_comment(self, task_id: str, text: str) -> str:
        """Writes a comment and returns its id. Only the task's watchers are notified."""
        body = {"comment_text": text, "notify_all": False}
        payload = await self._call(
            "POST", f"/task/{_quoted(task_id)}/comment", f"a comment on the task {task_id}", body=body
        )
        if not (written := str(payload.get("id") or "")):
            raise ClickUpError(unexpected_response("a comment without an id"))
        return written

    async def _call(
        self, method: str, path: str, what: str, *, query: dict[str, str] | None = None, body: object = None
    ) -> dict[str, Any]:
        await self._acquire()
        # ClickUp's documentation requires the content type even where there is no body.
        headers = {b"Authorization": self._credential(), b"Content-Type": b"application/json"}
        content = None if body is None else msgspec.json.encode(body)
        try:
            response = await self._client.request(
                method, f"{self._url}{path}", params=query or {}, content=content, headers=headers
            )
        except httpx2.RequestError as error:
            raise ClickUpError(no_response("ClickUp", error)) from None
        if response.status_code != httpx2.codes.OK:
            raise error_from(response, what, self._token, self._clock())
        if not (payload := json_body(response)):
            raise ClickUpError(unexpected_response("not JSON"), response.status_code)
        return payload

    async def _acquire(self) -> None:
        if self._prepaid_calls:
            self._prepaid_calls -= 1
            return
        try:
            await self._meter.take()
        except OverLimit as limit:
            because = f"ClickUp rate limit reached: {limit}"
            raise ClickUpError(TryAgain(because=because, not_before=limit.not_before, fault="limit")) from None

    def _credential(self) -> bytes:
        # As bytes: ClickUp must reject a token with a non-ASCII character; it must not cause an error here.
        is_plain = self._token.startswith(_PERSONAL) or " " in self._token
        return (self._token if is_plain else f"Bearer {self._token}").encode()


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _parse_task(payload: dict[str, Any]) -> Task:
    try:
        return parse_task(payload)
    except msgspec.ValidationError:
        raise ClickUpError(unexpected_response("the task is malformed")) from None


def _parse(payload: Any, as_: type[Parsed]) -> Parsed:
    try:
        return msgspec.convert(payload, as_, strict=False)
    except msgspec.ValidationError:
        raise ClickUpError(unexpected_response("the response is malformed")) from None
