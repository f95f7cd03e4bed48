"""ClickUp's API v2, as far as we call it. One `Api` is one delivery's: its first call is paid for already."""

from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from showup.clock import Clock
from showup.destinations.clickup.answers import Refused, refused, strange
from showup.destinations.clickup.task import Comment, Field, Task, TaskList, task_of
from showup.destinations.contract import TryAgain
from showup.destinations.kind import Meter, OverLimit
from showup.destinations.wire import parsed, unanswered

URL: Final = "https://api.clickup.com/api/v2"
PAGE: Final = 100
"""How many tasks a page has, unless it is the last."""

_PERSONAL: Final = "pk_"
Read = TypeVar("Read")


class Api:
    """Calls raise Refused, with what comes of it, whenever they are not answered as they should be."""

    def __init__(self, client: httpx2.AsyncClient, *, url: str, token: str, meter: Meter, clock: Clock) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._token = token.strip()
        self._meter = meter
        self._clock = clock
        self._paid = 1

    async def user(self) -> None:
        """Asks who we are, to see whether the token is good."""
        await self._call("GET", "/user", "who the token belongs to")

    async def list_of(self, list_id: str) -> TaskList:
        said = await self._call("GET", f"/list/{_part(list_id)}", f"the list {list_id}")
        return _read(said, TaskList)

    async def fields(self, list_id: str) -> tuple[Field, ...]:
        said = await self._call("GET", f"/list/{_part(list_id)}/field", f"the fields of the list {list_id}")
        return _read(said.get("fields"), tuple[Field, ...])

    async def tasks(self, list_id: str, **asked: str) -> list[Task]:
        """One page of a list's tasks, closed ones and subtasks too; the query is ClickUp's own."""
        query = {"include_closed": "true", "subtasks": "true", "include_timl": "true", "page": "0"} | asked
        said = await self._call("GET", f"/list/{_part(list_id)}/task", f"the tasks of the list {list_id}", query=query)
        return _read(said.get("tasks"), list[Task])

    async def task(self, task_id: str) -> Task:
        query = {"include_markdown_description": "true"}
        return _task(await self._call("GET", f"/task/{_part(task_id)}", f"the task {task_id}", query=query))

    async def create(self, list_id: str, body: dict[str, Any]) -> Task:
        what = f"a new task in the list {list_id}"
        return _task(await self._call("POST", f"/list/{_part(list_id)}/task", what, body=body))

    async def change(self, task_id: str, body: dict[str, Any]) -> None:
        await self._call("PUT", f"/task/{_part(task_id)}", f"a change of the task {task_id}", body=body)

    async def comments(self, task_id: str, after: Comment | None = None) -> list[Comment]:
        """The newest comments of a task, or those that are older than one."""
        query = {} if after is None else {"start": after.date or "0", "start_id": str(after.id)}
        what = f"the comments of the task {task_id}"
        said = await self._call("GET", f"/task/{_part(task_id)}/comment", what, query=query)
        return _read(said.get("comments"), list[Comment])

    async def comment(self, task_id: str, text: str) -> str:
        """Writes a comment and answers with its id. Nobody is notified beyond who follows the task."""
        body = {"comment_text": text, "notify_all": False}
        said = await self._call(
            "POST", f"/task/{_part(task_id)}/comment", f"a comment on the task {task_id}", body=body
        )
        if not (written := str(said.get("id") or "")):
            raise Refused(strange("a comment without an id"))
        return written

    async def _call(
        self, method: str, path: str, what: str, *, query: dict[str, str] | None = None, body: object = None
    ) -> dict[str, Any]:
        await self._pay()
        # Their document wants the content type even where there is none.
        headers = {b"Authorization": self._credential(), b"Content-Type": b"application/json"}
        content = None if body is None else msgspec.json.encode(body)
        try:
            answer = await self._client.request(
                method, f"{self._url}{path}", params=query or {}, content=content, headers=headers
            )
        except httpx2.RequestError as error:
            raise Refused(unanswered("ClickUp", error)) from None
        if answer.status_code != httpx2.codes.OK:
            raise refused(answer, what, self._token, self._clock())
        if not (said := parsed(answer)):
            raise Refused(strange("no JSON"), answer.status_code)
        return said

    async def _pay(self) -> None:
        if self._paid:
            self._paid -= 1
            return
        try:
            await self._meter.take()
        except OverLimit as limit:
            because = f"ClickUp's limit is used up: {limit}"
            raise Refused(TryAgain(because=because, not_before=limit.not_before, fault="limit")) from None

    def _credential(self) -> bytes:
        # As bytes: a token with a letter beyond ASCII is for ClickUp to refuse, not for us to stumble over.
        is_plain = self._token.startswith(_PERSONAL) or " " in self._token
        return (self._token if is_plain else f"Bearer {self._token}").encode()


def _part(text: str) -> str:
    return quote(text, safe="")


def _task(said: dict[str, Any]) -> Task:
    try:
        return task_of(said)
    except msgspec.ValidationError:
        raise Refused(strange("a task that can't be read")) from None


def _read(said: Any, as_: type[Read]) -> Read:
    try:
        return msgspec.convert(said, as_, strict=False)
    except msgspec.ValidationError:
        raise Refused(strange("an answer that can't be read")) from None
