"""F12, PI8: people at the host's own domain are colleagues, and a booking of theirs makes no deal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from showup.companies.company import domain_of_key
from showup.events.booking import OrganizerChanged
from showup.events.details import AttendeeDetails
from showup.pipeline.replay import BookingState
from showup.pipeline.rules import Rules
from tests.pipeline.sample_events import ANN, BEN, MIDDAY, SARAH, booking, made, record_of, state_of

COLLEAGUE = AttendeeDetails(email=ANN, name="Ann")
KAI = AttendeeDetails(email="kai@copper-yard.example")


def outcome(state: BookingState) -> tuple[set[str], str | None, set[str]]:
    """Returns the people, the company and the recipients of mail."""
    assert state.booking is not None
    recipients = {one.recipient for one in state.plan.messages.values() if not one.is_announcement}
    company = None if state.company_key is None else domain_of_key(state.company_key)
    return set(state.people), company, recipients


def entries(state: BookingState, what: str) -> list[str]:
    return [entry.because for entry in state.entries if entry.what == what]


def test_a_colleague_who_books_for_a_guest_gives_the_guest_the_deal() -> None:
    """F12: the guest is the prospect, is mailed and gets the deal; the timeline says why the colleague is not."""
    state = state_of(made(who=(COLLEAGUE, KAI)))
    assert outcome(state) == ({KAI.email}, "copper-yard.example", {KAI.email})
    assert entries(state, "attendee.own_side") == [
        "ann@outboundsolutions.com has an address at the domain of the meeting's host, so the deal is not theirs"
    ]
    assert entries(state, "deal.none") == []


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ((COLLEAGUE,), "ann@outboundsolutions.com has an address at the domain of the meeting's host"),
        ((AttendeeDetails(email=BEN),), "ben@outboundsolutions.com hosts the meeting"),
        ((AttendeeDetails(email="x@eu.outboundsolutions.com"),), None),
    ],
)
def test_a_booking_among_colleagues_makes_nothing(who: tuple[AttendeeDetails, ...], reason: str | None) -> None:
    """F12: no person, company or mail, and the reason is in the timeline."""
    state = state_of(made(who=who))
    assert outcome(state) == (set(), None, set())
    (entry,) = entries(state, "deal.none")
    assert entry.endswith("so there is no company and no deal")
    assert reason is None or entry.startswith(reason)


def test_a_team_rule_is_the_reason_where_it_applies() -> None:
    rules = Rules(team_emails=frozenset({"helper@gmail.com"}))
    state = state_of(made(who=(AttendeeDetails(email="helper@gmail.com"),)), rules=rules)
    assert entries(state, "deal.none") == ["helper@gmail.com is on the team, so there is no company and no deal"]


def test_a_rule_switches_it_off() -> None:
    """F12, PI8: unless a rule says otherwise."""
    rules = Rules(hosts_domains_are_ours=False)
    state = state_of(made(who=(COLLEAGUE, KAI)), rules=rules)
    assert outcome(state) == ({ANN, KAI.email}, "outboundsolutions.com", {ANN})
    assert outcome(state_of(made(who=(AttendeeDetails(email=BEN),)), rules=rules)) == (set(), None, set())


@pytest.mark.parametrize("host", ["ben@gmail.com", "ben@tuta.com", "ben@uk.com", "ben@localhost", None])
def test_a_host_with_a_personal_address_owns_no_domain(host: str | None) -> None:
    """F12: a host at gmail.com makes no colleague of everybody there."""
    guest = AttendeeDetails(email=f"gwen@{host.partition('@')[2]}" if host else "gwen@gmail.com")
    state = state_of(made(who=(guest,), organizer_email=host))
    assert outcome(state) == ({guest.email}, None, {guest.email})


def test_the_domains_of_all_hosts_are_ours() -> None:
    """F12: a co-host's, and a new organizer's, also for what came before."""
    by_co_host = made(who=(KAI, SARAH), hosts=frozenset({BEN, "cora@copper-yard.example"}))
    assert outcome(state_of(by_co_host)) == ({SARAH.email}, "acme.com", {SARAH.email})
    moved = booking(who=(KAI, SARAH), organizer_email="cora@copper-yard.example")
    state = state_of(made(who=(KAI, SARAH)), record_of(OrganizerChanged(booking=moved), MIDDAY))
    assert outcome(state)[:2] == ({SARAH.email}, "acme.com")


_ADDRESSES = st.sampled_from(
    [ANN, BEN, "eve@eu.outboundsolutions.com", SARAH.email, "kai@copper-yard.example", "gwen@gmail.com"]
)


# The first address loads the lists.
@settings(deadline=None)
@given(st.lists(_ADDRESSES, unique=True, min_size=1, max_size=5))
def test_nobody_at_the_hosts_domain_is_a_prospect(emails: list[str]) -> None:
    """F12: whatever the order of the attendees, the deal is the first other company's."""
    people, company, _ = outcome(state_of(made(who=tuple(AttendeeDetails(email=email) for email in emails))))
    others = [email for email in emails if not email.endswith("outboundsolutions.com")]
    assert people == set(others)
    business = [email.partition("@")[2] for email in others if not email.endswith("gmail.com")]
    assert company == (business[0] if business else None)
