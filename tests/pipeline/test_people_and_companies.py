"""PI1, PI2, PI8: people, their companies, and members of the team."""

import pytest
from msgspec.structs import replace

from showup.companies.company import domain_of_key
from showup.companies.domain import registrable_domain
from showup.events.details import AttendeeDetails
from showup.pipeline.replay import BookingState
from showup.pipeline.rules import Rules
from tests.pipeline.sample_events import (
    ANN,
    BEN,
    FRIDAY,
    GWEN,
    MIDDAY,
    MIKE,
    MONDAY,
    PAT,
    SARAH,
    TOM,
    ended,
    made,
    requested,
    rescheduled,
    started,
    state_of,
)

BEN_ATTENDEE = AttendeeDetails(email=BEN, name="Ben")
ANN_ATTENDEE = AttendeeDetails(email=ANN, name="Ann")
TEAM = Rules(team_domains=frozenset({"outboundsolutions.com"}), team_emails=frozenset({"helper@gmail.com"}))


def company_domain_of(state: BookingState) -> str | None:
    assert state.booking is not None
    found = state.booking.company_attendee
    return None if found is None or found.company_key is None else domain_of_key(found.company_key)


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("sarah@acme.com", "acme.com"),
        ("sarah@mail.acme.com", "acme.com"),
        ("sarah@a.b.acme.co.uk", "acme.co.uk"),
        ("sarah@acme.com.au", "acme.com.au"),
        ("sarah@acme.example", "acme.example"),
        ("sarah@crm.acme.corp", "acme.corp"),
        ("sarah@münchen.de", "xn--mnchen-3ya.de"),
        ("sarah@10.0.0.1", None),
        ("sarah@localhost", None),
    ],
)
def test_a_company_is_a_registrable_domain(email: str, domain: str | None) -> None:
    assert registrable_domain(email) == domain


@pytest.mark.parametrize(
    "email", ["a@gmail.com", "a@googlemail.com", "a@proton.me", "a@gmx.de", "a@yahoo.co.uk", "a@qq.com", "a@web.de"]
)
def test_personal_domains_are_not_companies(email: str) -> None:
    assert Rules().company_domain(email) is None


def test_the_list_of_personal_domains_can_be_edited() -> None:
    rules = Rules(personal_domains=frozenset({"acme.com"}), business_domains=frozenset({"gmail.com"}))
    assert company_domain_of(state_of(made(), rules=rules)) is None
    assert company_domain_of(state_of(made(who=(GWEN,)), rules=rules)) == "gmail.com"


def test_a_phone_only_attendee_is_not_a_person() -> None:
    state = state_of(made(who=(PAT,)))
    assert state.people == {}
    assert company_domain_of(state) is None
    assert [entry.because for entry in state.entries if entry.what == "deal.none"] == [
        "no attendee is a prospect known by email, so there is no company and no deal"
    ]
    assert state.plan.messages == {}


class TestSeveralAttendees:
    def test_each_becomes_a_person(self) -> None:
        state = state_of(made(who=(SARAH, MIKE, GWEN)))
        assert {email: person.company_key for email, person in state.people.items()} == {
            "sarah.chen@acme.com": "domain:acme.com",
            "mike@techstart.io": "domain:techstart.io",
            "gwen@gmail.com": None,
        }

    def test_the_deal_is_of_the_first_business_domain(self) -> None:
        state = state_of(made(who=(GWEN, MIKE, SARAH)))
        assert state.booking is not None
        assert state.booking.booker is not None
        assert state.booking.booker.email == GWEN.email
        assert company_domain_of(state) == "techstart.io"

    def test_two_mail_hosts_of_one_company_are_one(self) -> None:
        state = state_of(made(who=(TOM, SARAH)))
        assert {person.company_key for person in state.people.values()} == {"domain:acme.com"}


class TestTeam:
    def test_the_organizer_is_not_a_person(self) -> None:
        state = state_of(made(who=(BEN_ATTENDEE, SARAH)))
        assert set(state.people) == {SARAH.email}
        assert company_domain_of(state) == "acme.com"

    def test_a_self_booking_creates_nothing(self) -> None:
        state = state_of(made(who=(BEN_ATTENDEE,)))
        assert (state.people, company_domain_of(state), state.plan.messages) == ({}, None, {})

    @pytest.mark.parametrize("email", [ANN, "helper@gmail.com", "x@mail.outboundsolutions.com"])
    def test_teammates_are_not_people(self, email: str) -> None:
        state = state_of(made(who=(AttendeeDetails(email=email),), organizer_email="host@elsewhere.com"), rules=TEAM)
        assert (state.people, company_domain_of(state), state.plan.messages) == ({}, None, {})

    def test_co_hosts_are_not_people(self) -> None:
        state = state_of(made(who=(ANN_ATTENDEE, SARAH), hosts=frozenset({BEN, ANN})))
        assert set(state.people) == {SARAH.email}

    def test_meeting_events_that_list_hosts_add_no_people(self) -> None:
        state = state_of(made(), started(who=(SARAH, ANN_ATTENDEE)), ended(who=(ANN_ATTENDEE, SARAH)))
        assert set(state.people) == {SARAH.email}
        assert company_domain_of(state) == "acme.com"


class TestTheCompanysName:
    def test_the_name_is_the_bookers_answer(self) -> None:
        state = state_of(made(company_answer="Acme Corp"))
        assert state.company_names["domain:acme.com"].name == "Acme Corp"

    def test_without_an_answer_there_is_no_name(self) -> None:
        assert state_of(made()).company_names == {}

    def test_the_newest_answer_wins(self) -> None:
        state = state_of(made(company_answer="Acme"), rescheduled(company_answer="Acme Corp"))
        assert state.company_names["domain:acme.com"].name == "Acme Corp"

    def test_a_personal_address_names_no_company(self) -> None:
        assert state_of(made(who=(GWEN,), company_answer="Gwen & Co")).company_names == {}


class TestPersonDetails:
    def test_the_newest_details_win_and_missing_ones_change_nothing(self) -> None:
        renamed = replace(SARAH, name="Sarah Chen-Li", time_zone=None)
        person = state_of(made(), rescheduled(MIDDAY, who=(renamed,), start=FRIDAY)).people["sarah.chen@acme.com"]
        assert (person.name, person.time_zone) == ("Sarah Chen-Li", "America/New_York")
        assert (person.first_met_at, person.last_met_at) == (MONDAY, MIDDAY)

    def test_a_request_creates_the_person(self) -> None:
        assert set(state_of(requested()).people) == {SARAH.email}
