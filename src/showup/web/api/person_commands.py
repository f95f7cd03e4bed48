"""Entering and correcting people by hand."""

from typing import Annotated, Any, ClassVar, Final
from uuid import UUID

from fastapi import APIRouter, Query

from showup.people.person import person_id as id_of
from showup.reads.anchors import anchor_of_company, anchor_of_person
from showup.reads.people import find_person
from showup.sources.hand.command import RecordPerson
from showup.web.acting import Hand, WritingHand, named, standing
from showup.web.api.people import PERSON_DETAIL, PersonDetail
from showup.web.api.shapes import COMPANY, PERSON, makes, shows
from showup.web.bodies import Body, Email, Name, Phone, TimeZone
from showup.web.command_route import CommandRoute
from showup.web.problems import Refusal, documented, found_or_refused
from showup.web.questions import Question

router = APIRouter(prefix="/api/people", tags=["people"], route_class=CommandRoute)

_SAID: Final = {"name": "Sarah Chen", "time_zone": "America/New_York", "company_id": COMPANY["id"]}


class PersonSaid(Body):
    """What is said of a person; what is left out stays as it is."""

    name: Name | None = None
    time_zone: TimeZone | None = None
    phone: Phone | None = None
    company_id: UUID | None = None


class PersonChanges(PersonSaid):
    """What is to be corrected of a person; what is left out stays as it is."""

    needs_any = True
    example = _SAID

    not_here: ClassVar = {
        "email": "The email address is what a person is known by: POST /api/people enters the right one,"
        " and POST /api/people/merge makes the two one."
    }


class NewPerson(PersonSaid):
    """A person, known by their email address."""

    example: ClassVar = _SAID | {"email": PERSON["email"]}

    email: Email


@router.post(
    "",
    status_code=201,
    response_model=PersonDetail,
    responses=makes(PERSON_DETAIL | {"bookings": []}) | documented("exists-already"),
)
async def enter_person(said: NewPerson, hand: WritingHand, _asked: Annotated[Question, Query()]) -> Any:
    """Enter a person."""
    workspace = await hand.home()
    known = await anchor_of_person(hand.tx, hand.permit, id_of(workspace.id, said.email))
    if known is not None:
        raise Refusal(
            "exists-already", f"{said.email} is person {known.id}: PATCH /api/people/{known.id} corrects them."
        )
    await hand.does(workspace.id, await _record(hand, workspace.id, said.email, said))
    return found_or_refused(await find_person(hand.tx, hand.permit, id_of(workspace.id, said.email)), "person")


@router.patch(
    "/{person_id}",
    response_model=PersonDetail,
    responses=shows(PERSON_DETAIL) | documented("not-found", "refused-by-rules"),
)
async def correct_person(
    person_id: UUID, said: PersonChanges, hand: WritingHand, _asked: Annotated[Question, Query()]
) -> Any:
    """Correct what is known of a person; it stands whatever their bookings say later."""
    person = standing(await anchor_of_person(hand.tx, hand.permit, person_id), "person")
    await hand.does(person.workspace_id, await _record(hand, person.workspace_id, person.name, said))
    return found_or_refused(await find_person(hand.tx, hand.permit, person.id), "person")


async def _record(hand: Hand, workspace_id: UUID, email: str, said: PersonSaid) -> RecordPerson:
    company = None
    if said.company_id is not None:
        permit = hand.permit.within(workspace_id)
        company = named(await anchor_of_company(hand.tx, permit, said.company_id), "company_id", "company").name
    return RecordPerson(
        **hand.signed, email=email, name=said.name, time_zone=said.time_zone, phone=said.phone, company=company
    )
