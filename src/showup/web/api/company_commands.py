"""Entering and correcting companies by hand."""

from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Query

from showup.companies.company import company_id as id_of
from showup.companies.company import key_of_domain, key_of_event
from showup.reads.anchors import anchor_of_company
from showup.reads.companies import find_company
from showup.sources.hand.command import RecordCompany
from showup.web.acting import WritingHand, standing
from showup.web.api.companies import COMPANY_DETAIL, CompanyDetail
from showup.web.api.shapes import COMPANY, makes, shows
from showup.web.bodies import Body, Domain, Name
from showup.web.command_route import CommandRoute
from showup.web.problems import Refusal, documented, found_or_refused
from showup.web.questions import Question

router = APIRouter(prefix="/api/companies", tags=["companies"], route_class=CommandRoute)

_NEW: Final = {"name": COMPANY["name"], "domain": COMPANY["domain"]}


class CompanyChanges(Body):
    """What is to be corrected of a company."""

    example: ClassVar = {"name": COMPANY["name"]}

    not_here: ClassVar = {
        "domain": "The domain is what a company is known by: POST /api/companies enters the right one,"
        " and POST /api/companies/merge makes the two one."
    }

    name: Name


class NewCompany(Body):
    """A company, known by its domain; one without needs a name."""

    needs_any = True
    example = _NEW

    name: Name | None = None
    domain: Domain | None = None


@router.post(
    "",
    status_code=201,
    response_model=CompanyDetail,
    responses=makes(COMPANY_DETAIL | {"people": [], "deals": [], "bookings": []}) | documented("exists-already"),
)
async def enter_company(said: NewCompany, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Enter a company."""
    workspace = await hand.home()
    key = None if said.domain is None else key_of_domain(said.domain)
    known = None if key is None else await anchor_of_company(hand.tx, hand.permit, id_of(workspace.id, key))
    if known is not None:
        where = f"{said.domain} is company {known.id}: PATCH /api/companies/{known.id} corrects it."
        raise Refusal("exists-already", where)
    (event_id,) = await hand.does(workspace.id, RecordCompany(**hand.signed, company=key, name=said.name))
    made = id_of(workspace.id, key or key_of_event(event_id))
    return found_or_refused(await find_company(hand.tx, hand.permit, made), "company")


@router.patch(
    "/{company_id}",
    response_model=CompanyDetail,
    responses=shows(COMPANY_DETAIL) | documented("not-found", "refused-by-rules"),
)
async def correct_company(
    company_id: UUID, said: CompanyChanges, hand: WritingHand, _asked: Annotated[Question, Query()]
) -> Any:
    """Correct the name of a company; it stands whatever bookings say later."""
    company = standing(await anchor_of_company(hand.tx, hand.permit, company_id), "company")
    await hand.does(company.workspace_id, RecordCompany(**hand.signed, company=company.name, name=said.name))
    return found_or_refused(await find_company(hand.tx, hand.permit, company.id), "company")
