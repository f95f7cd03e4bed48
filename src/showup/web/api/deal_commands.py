"""Opening and changing deals by hand."""

from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Query

from showup.deals.deal import DealChange, deal_id
from showup.reads.anchors import anchor_of_company, anchor_of_deal
from showup.reads.deals import find_deal
from showup.sources.hand.command import ChangeDeal, OpenDeal
from showup.web.acting import WritingHand, named, standing
from showup.web.api.deals import DEAL_DETAIL, DealDetail
from showup.web.api.shapes import COMPANY, DealStatus, makes, shows
from showup.web.bodies import Amount, Body, Currency, Email, Reason, Stage
from showup.web.command_route import CommandRoute
from showup.web.problems import documented, found_or_refused
from showup.web.questions import Question

router = APIRouter(prefix="/api/deals", tags=["deals"], route_class=CommandRoute)

_CHANGE: Final = {"stage": "proposal", "amount": 12000.0, "currency": "USD"}


class DealSaid(Body):
    """What is said of a deal; what is left out stays as it is."""

    stage: Stage | None = None
    status: DealStatus | None = None
    amount: Amount | None = None
    currency: Currency | None = None
    owner_email: Email | None = None
    lost_reason: Reason | None = None

    def change(self) -> DealChange:
        """The same in the words of the pipeline."""
        return DealChange(**{name: getattr(self, name) for name in DealSaid.model_fields})


class DealChanges(DealSaid):
    """What is to be changed of a deal; what is left out stays as it is."""

    needs_any = True
    example = _CHANGE


class NewDeal(DealSaid):
    """A deal that no booking opened; it begins as active, in the first stage, where nothing else is said."""

    example: ClassVar = _CHANGE | {"company_id": COMPANY["id"]}

    company_id: UUID


@router.post(
    "",
    status_code=201,
    response_model=DealDetail,
    responses=makes(DEAL_DETAIL | {"contacts": [], "bookings": []}) | documented("refused-by-rules"),
)
async def open_deal(said: NewDeal, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Open a deal without a booking, for a company that has no active one."""
    company = named(await anchor_of_company(hand.tx, hand.permit, said.company_id), "company_id", "company")
    command = OpenDeal(**hand.signed, company=company.name, change=said.change())
    (event_id,) = await hand.does(company.workspace_id, command)
    return found_or_refused(await find_deal(hand.tx, hand.permit, deal_id(event_id)), "deal")


@router.patch(
    "/{deal_id}", response_model=DealDetail, responses=shows(DEAL_DETAIL) | documented("not-found", "refused-by-rules")
)
async def change(deal_id: UUID, said: DealChanges, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Move a deal to another stage, win, lose or reopen it, or correct its amount or owner.

    Only an active deal changes its stage. A lost one needs its reason, and an amount its currency. A closed one becomes
    active again only while its company has no other active deal.
    """
    deal = standing(await anchor_of_deal(hand.tx, hand.permit, deal_id), "deal")
    await hand.does(deal.workspace_id, ChangeDeal(**hand.signed, deal=deal.name, change=said.change()))
    return found_or_refused(await find_deal(hand.tx, hand.permit, deal.id), "deal")
