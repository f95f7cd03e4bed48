"""PI1, PI2, PI8: who is met, which company they speak for, and who is one of us."""

import pytest
from msgspec.structs import replace

from showup.companies.domain import registrable_domain
from showup.events import AttendeeSeen
from showup.pipeline.rules import Rules
from showup.pipeline.story import Story
from tests.pipeline.cast import (
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
    story,
)

BEN_SEEN = AttendeeSeen(email=BEN, name="Ben")
ANN_SEEN = AttendeeSeen(email=ANN, name="Ann")
TEAM = Rules(team_domains=frozenset({"outboundsolutions.com"}), team_emails=frozenset({"helper@gmail.com"}))


def company(of: Story) -> str | None:
    assert of.booking is not None
    return of.booking.company_domain


@pytest.mark.parametrize(
    ("email", "domain"),
    [
        ("sarah@acme.com", "acme.com"),
        ("sarah@mail.acme.com", "acme.com"),
        ("sarah@a.b.acme.co.uk", "acme.co.uk"),
        ("sarah@acme.com.au", "acme.com.au"),
        ("sarah@acme.example", "acme.example"),
        ("sarah@crm.acme.corp", "acme.corp"),
        ("sarah@münchen.de", "münchen.de"),
        ("sarah@10.0.0.1", None),
        ("sarah@localhost", None),
    ],
)
def test_a_company_is_the_domain_one_would_have_to_register(email: str, domain: str | None) -> None:
    assert registrable_domain(email) == domain


@pytest.mark.parametrize(
    "email", ["a@gmail.com", "a@googlemail.com", "a@proton.me", "a@gmx.de", "a@yahoo.co.uk", "a@qq.com", "a@web.de"]
)
def test_personal_domains_are_no_companies(email: str) -> None:
    assert Rules().company_domain(email) is None


def test_the_list_of_personal_domains_can_be_edited() -> None:
    rules = Rules(personal_domains=frozenset({"acme.com"}), business_domains=frozenset({"gmail.com"}))
    assert company(story(made(), rules=rules)) is None
    assert company(story(made(who=(GWEN,)), rules=rules)) == "gmail.com"


def test_somebody_known_by_phone_only_is_no_person() -> None:
    told = story(made(who=(PAT,)))
    assert told.people == {}
    assert company(told) is None
    assert [line.because for line in told.lines if line.what == "deal.none"] == [
        "no attendee is a prospect known by email, so there is no company and no deal"
    ]
    assert told.wants == {}


class TestSeveralAttendees:
    def test_each_becomes_a_person(self) -> None:
        told = story(made(who=(SARAH, MIKE, GWEN)))
        assert {email: person.company_key for email, person in told.people.items()} == {
            "sarah.chen@acme.com": "domain:acme.com",
            "mike@techstart.io": "domain:techstart.io",
            "gwen@gmail.com": None,
        }

    def test_the_deal_is_of_the_first_business_domain(self) -> None:
        told = story(made(who=(GWEN, MIKE, SARAH)))
        assert told.booking is not None
        assert told.booking.booker is not None
        assert told.booking.booker.email == GWEN.email
        assert company(told) == "techstart.io"

    def test_two_mail_hosts_of_one_company_are_one(self) -> None:
        told = story(made(who=(TOM, SARAH)))
        assert {person.company_key for person in told.people.values()} == {"domain:acme.com"}


class TestOurOwnSide:
    def test_the_organizer_among_the_attendees_is_nobody(self) -> None:
        told = story(made(who=(BEN_SEEN, SARAH)))
        assert set(told.people) == {SARAH.email}
        assert company(told) == "acme.com"

    def test_whoever_books_themselves_makes_nothing(self) -> None:
        told = story(made(who=(BEN_SEEN,)))
        assert (told.people, company(told), told.wants) == ({}, None, {})

    @pytest.mark.parametrize("email", [ANN, "helper@gmail.com", "x@mail.outboundsolutions.com"])
    def test_teammates_are_nobody(self, email: str) -> None:
        told = story(made(who=(AttendeeSeen(email=email),), organizer_email="host@elsewhere.com"), rules=TEAM)
        assert (told.people, company(told), told.wants) == ({}, None, {})

    def test_co_hosts_are_nobody(self) -> None:
        told = story(made(who=(ANN_SEEN, SARAH), hosts=frozenset({BEN, ANN})))
        assert set(told.people) == {SARAH.email}

    def test_rows_of_the_database_list_our_side_too_and_add_nobody(self) -> None:
        told = story(made(), started(who=(SARAH, ANN_SEEN)), ended(who=(ANN_SEEN, SARAH)))
        assert set(told.people) == {SARAH.email}
        assert company(told) == "acme.com"


class TestTheCompanysName:
    def test_it_is_what_the_booker_answered(self) -> None:
        told = story(made(company_answer="Acme Corp"))
        assert told.names["domain:acme.com"].name == "Acme Corp"

    def test_without_an_answer_there_is_none_but_the_domain(self) -> None:
        assert story(made()).names == {}

    def test_the_newest_answer_wins(self) -> None:
        told = story(made(company_answer="Acme"), rescheduled(company_answer="Acme Corp"))
        assert told.names["domain:acme.com"].name == "Acme Corp"

    def test_a_personal_address_names_no_company(self) -> None:
        assert story(made(who=(GWEN,), company_answer="Gwen & Co")).names == {}


class TestWhatIsKnownOfAPerson:
    def test_the_newest_name_and_zone_win_and_silence_takes_nothing_back(self) -> None:
        renamed = replace(SARAH, name="Sarah Chen-Li", time_zone=None)
        person = story(made(), rescheduled(MIDDAY, who=(renamed,), start=FRIDAY)).people["sarah.chen@acme.com"]
        assert (person.name, person.time_zone) == ("Sarah Chen-Li", "America/New_York")
        assert (person.first_met_at, person.last_met_at) == (MONDAY, MIDDAY)

    def test_a_request_already_introduces_them(self) -> None:
        assert set(story(requested()).people) == {SARAH.email}
