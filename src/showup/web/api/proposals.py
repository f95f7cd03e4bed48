"""`/api/proposals`: what was offered after a meeting, its PDF, and what became of it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Query, Response
from msgspec.structs import asdict
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from showup.commands.proposals import NewProposal, mark_proposal, save_proposal
from showup.commands.unit_of_work import UnitOfWork
from showup.database.engine import driver_connection
from showup.proposals.files_store import ProposalFile, load_file
from showup.proposals.pdf_writer import CannotDraw
from showup.proposals.proposal import (
    MAX_DESCRIPTION,
    MAX_ITEMS,
    MAX_TITLE,
    LineItem,
    Mark,
    ProposalContent,
    ProposalStatus,
    content_faults,
)
from showup.reads.command_targets import target_of_booking
from showup.reads.proposals import FoundProposal, ProposalContext, find_proposal, load_context
from showup.values.email_address import EmailAddress
from showup.web.api.schemas import BOOKING_ID, DEAL_ID, PERSON, Example, created_response, ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import AppState, ReadTransaction, State
from showup.web.http.auth import Reader
from showup.web.http.command_route import CommandRoute
from showup.web.http.problems import RETRY_SOON, Refusal, invalid_field, problem_examples
from showup.web.http.query_params import StorableModel, WorkspaceQuery
from showup.web.http.request_fields import Currency, Note, RequestBody
from showup.web.http.unit_of_work import WriteUnitOfWork, target_or_404
from showup.web.proposal_files import ProposalSender, draw_proposal, pdf_response, sender_of_proposal, today_of

router = APIRouter(prefix="/api/proposals", tags=["proposals"], route_class=ApiRoute)
commands = APIRouter(prefix="/api", tags=["proposals"], route_class=CommandRoute)

_PROPOSAL_ID: Final = "4c0f5f0a-9d0c-4b57-9c53-0f2f6f0d9a31"
_ITEM: Example = {"description": "Reporting, 8 seats, 12 months", "quantity": 8.0, "unit_price": 5100.0}
_REQUEST: Example = {
    "title": "Reporting for 8 reps, yearly",
    "scope": "Reporting per rep for a team of eight.",
    "items": [_ITEM],
    "currency": "USD",
    "valid_until": "2026-03-26",
    "recipient": PERSON["email"],
}
_PROPOSAL: Example = {
    "id": _PROPOSAL_ID,
    "workspace": "default",
    "simulated": False,
    "booking_id": BOOKING_ID,
    "deal_id": DEAL_ID,
    "number": 3,
    "status": "ready",
    "is_replaced": False,
    **_REQUEST,
    "items": [_ITEM | {"amount": 40800.0}],
    "total": 40800.0,
    "notes": None,
    "pdf_url": f"/api/proposals/{_PROPOSAL_ID}/pdf",
    "created_at": "2026-03-12T16:00:00Z",
    "updated_at": "2026-03-12T16:00:00Z",
    "ready_at": "2026-03-12T16:00:00Z",
    "sent_at": None,
    "decided_at": None,
}

_Exact = Annotated[Decimal, Field(max_digits=20, decimal_places=4), WithJsonSchema({"type": ["string", "number"]})]
_Text = Annotated[str, StringConstraints(strip_whitespace=True)]


class ProposalItemRequest(StorableModel):
    """A line of a proposal: numbers with at most four decimals, also as text. A negative price is a discount."""

    model_config = ConfigDict(extra="forbid")

    description: Annotated[_Text, Field(min_length=1, max_length=MAX_DESCRIPTION)]
    quantity: _Exact
    unit_price: _Exact


class ProposalFields(RequestBody):
    """Fields of a proposal."""

    title: Annotated[_Text, Field(min_length=1, max_length=MAX_TITLE)] | None = None
    scope: Note | None = None
    items: Annotated[list[ProposalItemRequest], Field(min_length=1, max_length=MAX_ITEMS)] | None = None
    currency: Currency | None = None
    valid_until: date | None = None
    recipient: EmailAddress | None = Field(None, description="An attendee of the meeting, to whom it is addressed.")
    notes: Note | None = Field(None, description="For the team: they are not in the PDF.")

    def to_content(self, before: ProposalContent | None) -> ProposalContent:
        """Return the content with these fields; omitted ones keep their values."""
        known: dict[str, Any] = {} if before is None else asdict(before)
        changed = {name: getattr(self, name) for name in ProposalFields.model_fields if name in self.model_fields_set}
        if self.items is not None:
            changed["items"] = tuple(LineItem(**one.model_dump()) for one in self.items)
        return ProposalContent(**{"scope": ""} | known | changed)


class CreateProposalRequest(ProposalFields):
    """A new proposal."""

    example: ClassVar = _REQUEST

    title: Annotated[_Text, Field(min_length=1, max_length=MAX_TITLE)]
    items: Annotated[list[ProposalItemRequest], Field(min_length=1, max_length=MAX_ITEMS)]
    currency: Currency


class UpdateProposalRequest(ProposalFields):
    """Fields of a proposal to change, and what became of it; omitted fields keep their values."""

    requires_any = True
    example: ClassVar = {"status": "accepted"}

    status: Mark | None = Field(None, description="`accepted` wins the deal. The others leave it as it is.")


class ProposalItemResponse(BaseModel):
    """A line of a proposal; `amount` is rounded to the smallest unit of the currency."""

    description: str
    quantity: float
    unit_price: float
    amount: float


class ProposalResponse(BaseModel):
    """A proposal. `is_replaced`: the company has a later one with a PDF.

    `number` counts the proposals of the company. `pdf_url` is null for a draft.
    """

    id: UUID
    workspace: str
    simulated: bool
    booking_id: UUID
    deal_id: UUID | None
    number: int
    status: ProposalStatus
    is_replaced: bool
    title: str
    scope: str
    items: list[ProposalItemResponse]
    currency: str
    total: float
    valid_until: date | None
    recipient: str | None
    notes: str | None
    pdf_url: str | None
    created_at: datetime
    updated_at: datetime
    ready_at: datetime | None
    sent_at: datetime | None
    decided_at: datetime | None


@router.get(
    "/{proposal_id}",
    response_model=ProposalResponse,
    responses=ok_response(_PROPOSAL) | problem_examples("not-found"),
)
async def get_proposal(
    proposal_id: UUID, permission: Reader, tx: ReadTransaction, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Get a proposal."""
    return _response(_found(await find_proposal(tx, permission, proposal_id)))


@router.get(
    "/{proposal_id}/pdf",
    response_class=Response,
    responses=ok_response("%PDF-1.7 …", media_type="application/pdf") | problem_examples("not-found"),
)
async def get_proposal_pdf(
    proposal_id: UUID, permission: Reader, tx: ReadTransaction, _query: Annotated[WorkspaceQuery, Query()]
) -> Response:
    """Download the PDF of a proposal."""
    proposal = _found(await find_proposal(tx, permission, proposal_id))
    connection = await driver_connection(tx)
    file = await load_file(connection, proposal.workspace_id, proposal.id, proposal.version)
    if file is None:
        raise Refusal("not-found", "The proposal is a draft: it has no PDF yet.")
    return pdf_response(proposal, file)


@commands.post(
    "/bookings/{booking_id}/proposal",
    status_code=201,
    response_model=ProposalResponse,
    responses=created_response(_PROPOSAL) | problem_examples("not-found", "refused-by-rules", "busy"),
)
async def create_proposal(
    booking_id: UUID,
    body: CreateProposalRequest,
    unit_of_work: WriteUnitOfWork,
    state: State,
    _query: Annotated[WorkspaceQuery, Query()],
) -> Any:
    """Make a proposal after a meeting, with its PDF. The deal moves to the stage `proposal` and gets its amount.

    Subscribers of `proposal.requested` receive it. Sending the same again changes nothing.
    """
    return await _save(unit_of_work, state, booking_id, uuid4(), body.to_content(None))


@commands.patch(
    "/proposals/{proposal_id}",
    response_model=ProposalResponse,
    responses=ok_response(_PROPOSAL | {"status": "accepted"})
    | problem_examples("not-found", "refused-by-rules", "busy"),
)
async def update_proposal(
    proposal_id: UUID,
    body: UpdateProposalRequest,
    unit_of_work: WriteUnitOfWork,
    state: State,
    _query: Annotated[WorkspaceQuery, Query()],
) -> Any:
    """Change a proposal that was not sent, which makes a new PDF, or say what became of it."""
    proposal = _found(await find_proposal(unit_of_work.tx, unit_of_work.permission, proposal_id))
    if body.model_fields_set - {"status"}:
        content = body.to_content(proposal.content)
        await _save(unit_of_work, state, proposal.booking_id, proposal.id, content)
    if body.status is not None:
        await mark_proposal(unit_of_work, proposal, body.status)
    return _response(_found(await find_proposal(unit_of_work.tx, unit_of_work.permission, proposal.id)))


async def _save(
    unit_of_work: UnitOfWork, state: AppState, booking_id: UUID, proposal_id: UUID, content: ProposalContent
) -> dict[str, Any]:
    tx, permission = unit_of_work.tx, unit_of_work.permission
    booking = target_or_404(await target_of_booking(tx, permission, booking_id), "booking")
    context = await load_context(tx, permission, booking.id)
    assert context is not None, "the booking is visible"
    _check(content, context, today_of(context, unit_of_work.at).date())
    file = await _draw(state, context, content, await sender_of_proposal(tx, state, context))
    saved_id = await save_proposal(unit_of_work, booking, NewProposal(id=proposal_id, content=content, file=file))
    return _response(_found(await find_proposal(tx, permission, saved_id)))


def _check(content: ProposalContent, context: ProposalContext, today: date) -> None:
    if content.recipient is not None and content.recipient not in {one.email for one in context.recipients}:
        raise invalid_field("recipient", "body", "Name an attendee of the meeting, by their address.")
    for field, detail in content_faults(content, today=today).items():
        raise invalid_field(field, "body", detail)


async def _draw(
    state: AppState, context: ProposalContext, content: ProposalContent, sender: ProposalSender
) -> ProposalFile:
    try:
        return await draw_proposal(state, context, content, sender=sender, author=None, is_complete=True)
    except CannotDraw as fault:
        if fault.is_temporary:
            raise Refusal("busy", str(fault), headers=RETRY_SOON) from None
        raise invalid_field("scope", "body", str(fault)) from None


def _found(proposal: FoundProposal | None) -> FoundProposal:
    if proposal is None:
        raise Refusal("not-found", "The key can see no proposal with this id.")
    return proposal


def _response(proposal: FoundProposal) -> dict[str, Any]:
    content = asdict(proposal.content)
    items = [asdict(one) | {"amount": one.amount(proposal.content.currency)} for one in proposal.content.items]
    pdf_url = None if proposal.pages is None else f"/api/proposals/{proposal.id}/pdf"
    return {**asdict(proposal), **content, "items": items, "pdf_url": pdf_url}
