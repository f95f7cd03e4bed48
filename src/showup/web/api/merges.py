"""`/api/merges`: who is known as whom."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.deeds import Kind
from showup.reads.merges import SORTS, MergeFilter, list_merges
from showup.web.api.shapes import EVENT_ID, PERSON, Example, Page, page_of, shows
from showup.web.auth import Reader
from showup.web.ground import Reading
from showup.web.paging import shown
from showup.web.problems import documented
from showup.web.questions import ListQuestion

router = APIRouter(prefix="/api/merges", tags=["merges"])

MERGE: Example = {
    "id": EVENT_ID,
    "kind": "people",
    "gone": "s.chen@acme.com",
    "gone_id": "2f6b1c84-5a0d-5e7b-8c93-7d41e0a9b6f2",
    "stays": PERSON["email"],
    "stays_id": PERSON["id"],
    "actor": "key:crm",
    "at": "2026-03-12T16:00:00Z",
}


class MergeQuestion(ListQuestion):
    """Which merges."""

    kind: Kind | None = None
    sort: Literal["at", "-at"] = "-at"

    def wanted(self) -> MergeFilter:
        """The same in the words of `reads`."""
        return MergeFilter(kind=self.kind)


class Merge(BaseModel):
    """Two that are one; `gone` and `stays` are email addresses, or keys of companies such as `domain:acme.com`."""

    id: UUID
    kind: Kind
    gone: str
    gone_id: UUID = Field(description="The id of the one that is gone; it leads to the one that stays.")
    stays: str
    stays_id: UUID
    actor: str
    at: datetime


@router.get("", response_model=Page[Merge], responses=shows(page_of(MERGE)) | documented("broken-cursor"))
async def merges(permit: Reader, tx: Reading, asked: Annotated[MergeQuestion, Query()]) -> Any:
    """List the merges in force, the latest first."""
    ask = asked.ask(SORTS)
    return shown(await list_merges(tx, permit, asked.wanted(), ask), ask)
