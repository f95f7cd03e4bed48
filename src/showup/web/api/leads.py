"""`/api/campaigns` and `/api/leads`: whom campaigns write to, and the import of leads from CSV files."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, ClassVar, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from showup.campaigns.campaign import MAX_NAME, CampaignSource
from showup.campaigns.imports_store import MAX_REPORTED_ROWS, LeadImport
from showup.campaigns.lead_file.columns import FIELDS, UnknownColumn
from showup.campaigns.lead_file.file import LeadFile, ReadingOptions, UnusableFile, open_lead_file
from showup.campaigns.lead_file.rows import LeadRow, RejectedRow
from showup.commands.import_leads import ImportRequest
from showup.reads.campaigns import (
    CAMPAIGN_SORTS,
    LEAD_SORTS,
    CampaignFilter,
    LeadFilter,
    list_campaigns,
    list_leads,
)
from showup.web.api.lead_schemas import LEAD_ITEM, LeadResponse
from showup.web.api.matches import CAMPAIGN, CampaignSummary
from showup.web.api.schemas import EVENT_ID, Example, PageResponse, ok_response, page_example
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Reader, Writer
from showup.web.http.paging import page_response
from showup.web.http.problems import Refusal, invalid_field, problem_examples
from showup.web.http.query_params import ListQuery, ShortText, WorkspaceQuery, any_of
from showup.web.http.unit_of_work import resolve_workspace
from showup.web.lead_imports import MAX_FILE_BYTES, import_uploaded

router = APIRouter(prefix="/api", tags=["campaigns"], route_class=ApiRoute)
commands = APIRouter(prefix="/api/leads", tags=["campaigns"], route_class=ApiRoute)

PREVIEW_ROWS: Final = 20

CAMPAIGN_ITEM: Example = CAMPAIGN | {
    "workspace": "default",
    "simulated": False,
    "created_at": "2026-03-01T08:00:00Z",
    "statistics": {
        "sent": 1918,
        "bounced": 36,
        "delivered": 1882,
        "contacted": 940,
        "replied": 64,
        "interested": 15,
        "unsubscribed": 4,
        "leads": 1180,
        "read_at": "2026-03-10T09:15:02Z",
    },
}
_REPORT: Example = {
    "id": EVENT_ID,
    "state": "done",
    "workspace": "default",
    "campaign": "Founders NL",
    "encoding": "utf-8",
    "separator": ",",
    "columns": {"email": ["Email"], "first_name": ["First Name"], "company": ["companyName"]},
    "unused_columns": ["Icebreaker"],
    "accepted": 1180,
    "repeated": 3,
    "ignored": 1,
    "rejected": {"invalid_email": 2},
    "rejected_rows": [{"line": 17, "reason": "invalid_email"}, {"line": 203, "reason": "invalid_email"}],
    "repeated_rows": [{"line": 9, "of_line": 2}],
    "preview": [],
}


class CampaignQuery(ListQuery):
    """Filters and paging for campaigns."""

    id_type: ClassVar = int

    source: list[CampaignSource] = any_of()
    sort: Literal["name", "-name", "created_at", "-created_at"] = "name"


class LeadQuery(ListQuery):
    """Filters and paging for leads."""

    email: list[ShortText] = any_of()
    campaign_id: list[Annotated[int, Field(ge=0, lt=2**63)]] = any_of("Number of a campaign.")
    sort: Literal["email", "-email"] = "email"


class CampaignStatistics(BaseModel):
    """EmailBison's totals since the campaign's start: mails in `sent`, `bounced` and `delivered`, people in the others.

    `delivered` is `sent` without `bounced`.
    """

    sent: int
    bounced: int
    delivered: int
    contacted: int
    replied: int
    interested: int
    unsubscribed: int
    leads: int
    read_at: datetime = Field(description="When these numbers were read; they have not changed since.")


class CampaignResponse(CampaignSummary):
    """A campaign: it writes to leads. `statistics` is null unless its source reports them."""

    workspace: str
    simulated: bool
    created_at: datetime
    statistics: CampaignStatistics | None


class RejectedRowResponse(BaseModel):
    """A row that is not imported; `line` counts the lines of the file from 1."""

    line: int
    reason: str


class RepeatedRowResponse(BaseModel):
    """A row that repeats a lead of the campaign, and the line of its first row."""

    line: int
    of_line: int


class PreviewRow(BaseModel):
    """A lead as it would be imported."""

    line: int
    email: str
    other_emails: list[str]
    first_name: str | None
    last_name: str | None
    name: str | None
    company: str | None
    campaign: str


class ImportResponse(BaseModel):
    """The report of an import. `id` is null for a preview, which counts only the rows that it read."""

    id: UUID | None
    state: Literal["preview", "running", "done"]
    workspace: str
    campaign: str
    encoding: str
    separator: str
    columns: dict[str, list[str]] = Field(description="The columns that feed each field; the first filled cell counts.")
    unused_columns: list[str]
    accepted: int = Field(description="Rows that are a lead of the campaign.")
    repeated: int = Field(
        description="Rows that repeat a lead of the same file: they fill what its first row left empty."
    )
    ignored: int = Field(description="Blank rows, and the header if it comes again.")
    rejected: dict[str, int] = Field(description="How many rows were rejected, by reason.")
    rejected_rows: list[RejectedRowResponse] = Field(description=f"The first {MAX_REPORTED_ROWS:,} of them.")
    repeated_rows: list[RepeatedRowResponse] = Field(description=f"The first {MAX_REPORTED_ROWS:,} of them.")
    preview: list[PreviewRow]


class ImportQuery(WorkspaceQuery):
    """How to read the file. Showup detects what the request does not set."""

    campaign: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] = Field(
        description="Campaign of the rows that have no campaign of their own. It is created if it does not exist.",
        examples=["Founders NL"],
    )
    map: list[ShortText] = any_of(
        f"`COLUMN=FIELD`, for a column that Showup does not know. Fields: {', '.join(FIELDS)}; or `ignore`."
    )
    encoding: ShortText | None = Field(None, description="Such as `cp1252`.", examples=["utf-8"])
    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = Field(None, examples=[";"])
    preview: bool = Field(default=False, description="Import nothing, and return the first rows as they are read.")

    def options(self) -> ReadingOptions:
        """Return the options for reading the file. Refuses a mapping without `=`."""
        columns = {}
        for pair in self.map:
            name, equals, field = pair.rpartition("=")
            if not equals or not name:
                raise invalid_field("map", "query", "Send COLUMN=FIELD, such as E-Mail=email.")
            columns[name] = field
        return ReadingOptions(columns=columns, encoding=self.encoding, separator=self.separator)


@router.get(
    "/campaigns",
    name="list_campaigns",
    response_model=PageResponse[CampaignResponse],
    responses=ok_response(page_example(CAMPAIGN_ITEM)) | problem_examples("broken-cursor"),
)
async def get_campaigns(permission: Reader, tx: ReadTransaction, query: Annotated[CampaignQuery, Query()]) -> Any:
    """List campaigns, by name."""
    page_request = query.page_request(CAMPAIGN_SORTS)
    return page_response(
        await list_campaigns(tx, permission, CampaignFilter(source=query.source), page_request), page_request
    )


@router.get(
    "/leads",
    name="list_leads",
    response_model=PageResponse[LeadResponse],
    responses=ok_response(page_example(LEAD_ITEM)) | problem_examples("broken-cursor"),
)
async def get_leads(permission: Reader, tx: ReadTransaction, query: Annotated[LeadQuery, Query()]) -> Any:
    """List leads, by email address."""
    page_request = query.page_request(LEAD_SORTS)
    filters = LeadFilter(email=query.email, campaign_id=query.campaign_id)
    return page_response(await list_leads(tx, permission, filters, page_request), page_request)


@commands.post(
    "/import",
    name="import_leads",
    response_model=ImportResponse,
    responses=ok_response(_REPORT) | problem_examples("body-too-large", "busy"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "The file, as it is: CSV of at most 8 MiB, in any of the usual encodings and separators.",
            "content": {
                "text/csv": {"schema": {"type": "string", "format": "binary"}, "example": "email\nann@acme.example"}
            },
        }
    },
)
async def post_leads(request: Request, permission: Writer, state: State, query: Annotated[ImportQuery, Query()]) -> Any:
    """Import leads from a CSV file of at most 8 MiB, and match them to the bookings that exist.

    The same file with the same options is imported once: after an interruption, send it again, and the import
    continues. A workspace imports one file at a time. For larger files, use `showup leads import`.
    """
    async with state.engine.connect() as tx:
        workspace = await resolve_workspace(tx, permission)
    async with _received_file(request) as path:
        file = await _open_file(path, query.options())
        if query.preview:
            return {**_preview(file, query.campaign), "workspace": workspace.slug}
        import_request = ImportRequest(
            workspace_id=workspace.id,
            file=file,
            file_name="upload.csv",
            campaign=query.campaign,
            actor=permission.actor,
        )
        done = await import_uploaded(state, import_request)
        return {**_report(file, done), "workspace": workspace.slug}


@asynccontextmanager
async def _received_file(request: Request) -> AsyncIterator[Path]:
    """Write the body to a temporary file as it arrives. Refuses one that is too large or incomplete."""
    with TemporaryDirectory(prefix="showup-leads-") as folder:
        path = Path(folder) / "upload.csv"
        size = 0
        try:
            with path.open("wb") as file:
                async for part in request.stream():
                    size += len(part)
                    if size > MAX_FILE_BYTES:
                        raise Refusal("body-too-large", "A file has at most 8 MiB. Use `showup leads import` for it.")
                    file.write(part)
        except ClientDisconnect:
            raise Refusal("too-slow") from None
        yield path


async def _open_file(path: Path, options: ReadingOptions) -> LeadFile:
    try:
        return await asyncio.to_thread(open_lead_file, path, options)
    except UnknownColumn as error:
        raise invalid_field("map", "query", str(error)) from None
    except UnusableFile as error:
        raise invalid_field("file", "body", str(error)) from None


def _format(file: LeadFile) -> dict[str, Any]:
    return {
        "encoding": file.encoding,
        "separator": file.layout.separator,
        "columns": file.mapping.named(),
        "unused_columns": file.mapping.unused(),
    }


def _report(file: LeadFile, done: LeadImport) -> dict[str, Any]:
    names = ("id", "state", "accepted", "repeated", "ignored", "rejected", "campaign")
    return {
        **_format(file),
        **{name: getattr(done, name) for name in names},
        "rejected_rows": [{"line": one.line, "reason": one.reason} for one in done.rejected_rows],
        "repeated_rows": [{"line": one.line, "of_line": one.of_line} for one in done.repeated_rows],
        "preview": [],
    }


def _preview(file: LeadFile, campaign: str) -> dict[str, Any]:
    rows = file.first_rows(PREVIEW_ROWS)
    leads = [row for row in rows if isinstance(row, LeadRow)]
    rejected = [row for row in rows if isinstance(row, RejectedRow)]
    names = ("email", "other_emails", "first_name", "last_name", "name", "company")
    return {
        **_format(file),
        "id": None,
        "state": "preview",
        "campaign": campaign,
        "accepted": len(leads),
        "repeated": 0,
        "ignored": len(rows) - len(leads) - len(rejected),
        "rejected": {
            reason: sum(row.reason == reason for row in rejected) for reason in {row.reason for row in rejected}
        },
        "rejected_rows": [{"line": row.line, "reason": row.reason} for row in rejected],
        "repeated_rows": [],
        "preview": [
            {
                "line": row.line,
                "campaign": row.campaign or campaign,
                **{name: getattr(row.lead, name) for name in names},
            }
            for row in leads
        ],
    }
