"""Commands on deals: create and update them manually."""

from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Query

from showup.deals.deal import DealChange, deal_id
from showup.events.deal import DealChanged, DealOpened
from showup.reads.command_targets import target_of_company, target_of_deal
from showup.reads.deals import find_deal
from showup.web.api.deals import DEAL_DETAIL, DealDetailResponse
from showup.web.api.schemas import COMPANY, DealStatus, created_response, ok_response
from showup.web.command_route import CommandRoute
from showup.web.problems import found_or_404, problem_examples
from showup.web.query_params import WorkspaceQuery
from showup.web.request_fields import Amount, Currency, Email, Reason, RequestBody, Stage
from showup.web.unit_of_work import WriteUnitOfWork, target_or_404, target_or_422

router = APIRouter(prefix="/api/deals", tags=["deals"], route_class=CommandRoute)

_CHANGE: Final = {"stage": "proposal", "amount": 12000.0, "currency": "USD"}


class DealFields(RequestBody):
    """Fields of a deal; omitted fields keep their values."""

    stage: Stage | None = None
    status: DealStatus | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    owner_email: Email | None = None
    lost_reason: Reason | None = None

    def to_deal_change(self) -> DealChange:
        """Return these fields as a pipeline change."""
        return DealChange(**{name: getattr(self, name) for name in DealFields.model_fields})


class UpdateDealRequest(DealFields):
    """Fields of a deal to update; omitted fields keep their values."""

    requires_any = True
    example = _CHANGE


class CreateDealRequest(DealFields):
    """A new deal without a booking; active and in the first stage by default."""

    example: ClassVar = _CHANGE | {"company_id": COMPANY["id"]}

    company_id: UUID


@router.post(
    "",
    status_code=201,
    response_model=DealDetailResponse,
    responses=created_response(DEAL_DETAIL | {"contacts": [], "bookings": []}) | problem_examples("refused-by-rules"),
)
async def open_deal(
    body: CreateDealRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Create a deal without a booking, for a company that has no active deal."""
    company = target_or_422(
        await target_of_company(unit_of_work.tx, unit_of_work.permission, body.company_id), "company_id", "company"
    )
    event = DealOpened(company=company.name, change=body.to_deal_change())
    (event_id,) = await unit_of_work.execute(company.workspace_id, event)
    return found_or_404(await find_deal(unit_of_work.tx, unit_of_work.permission, deal_id(event_id)), "deal")


@router.patch(
    "/{deal_id}",
    response_model=DealDetailResponse,
    responses=ok_response(DEAL_DETAIL) | problem_examples("not-found", "refused-by-rules"),
)
async def update_deal(
    deal_id: UUID, body: UpdateDealRequest, unit_of_work: WriteUnitOfWork, _query: Annotated[WorkspaceQuery, Query()]
) -> Any:
    """Move a deal to another stage, win, lose or reopen it, or correct its amount or owner.

    Only an active deal can change its stage. A lost deal needs a reason, and an amount needs a currency. A closed deal
    can be reopened only while its company has no other active deal.
    """
    deal = target_or_404(await target_of_deal(unit_of_work.tx, unit_of_work.permission, deal_id), "deal")
    await unit_of_work.execute(deal.workspace_id, DealChanged(subject=deal.name, change=body.to_deal_change()))
    return found_or_404(await find_deal(unit_of_work.tx, unit_of_work.permission, deal.id), "deal")
