"""`/api/merges`: merged people and companies."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from showup.events.workspace import MergeKind
from showup.reads.merges import SORTS, MergeFilter, list_merges
from showup.web.api.schemas import EVENT_ID, PERSON, Example, PageResponse, ok_response, page_example
from showup.web.app_state import ReadTransaction
from showup.web.auth import Reader
from showup.web.paging import page_response
from showup.web.problems import problem_examples
from showup.web.query_params import ListQuery

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


class MergeQuery(ListQuery):
    """Filters and paging for merges."""

    kind: MergeKind | None = None
    sort: Literal["at", "-at"] = "-at"

    def to_filter(self) -> MergeFilter:
        """Return these filters as a `reads` filter."""
        return MergeFilter(kind=self.kind)


class MergeResponse(BaseModel):
    """A merge of two records; `gone` and `stays` are email addresses, or company keys such as `domain:acme.com`."""

    id: UUID
    kind: MergeKind
    gone: str
    gone_id: UUID = Field(description="Id of the merged record; it redirects to the one that remains.")
    stays: str
    stays_id: UUID
    actor: str
    at: datetime


@router.get(
    "",
    response_model=PageResponse[MergeResponse],
    responses=ok_response(page_example(MERGE)) | problem_examples("broken-cursor"),
)
async def get_merges(permission: Reader, tx: ReadTransaction, query: Annotated[MergeQuery, Query()]) -> Any:
    """List the current merges, latest first."""
    page_request = query.page_request(SORTS)
    return page_response(await list_merges(tx, permission, query.to_filter(), page_request), page_request)
