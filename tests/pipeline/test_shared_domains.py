"""F09, M10: domains under which many people or firms have their addresses, and what makes no company."""

import json
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from showup.companies import domain as company_domains
from showup.companies.domain import registrable_domain
from showup.events.details import AttendeeDetails
from showup.pipeline.rules import Rules
from tests.pipeline.sample_events import SARAH, made, state_of

_LISTS = Path(company_domains.__file__).parent / "lists"


def words(text: str) -> list[str]:
    return text.split()


# Private suffixes of the Public Suffix List, and hosts with a name for each customer.
_SHARED_HOSTS = words(
    """
    uk.com us.com de.com co.com eu.com br.com jpn.com github.io gitlab.io myshopify.com herokuapp.com netlify.app
    pages.dev web.app blogspot.com onmicrosoft.com onmicrosoft.us mail.onmicrosoft.com partner.onmschina.cn
    atlassian.net zendesk.com freshdesk.com odoo.com my.salesforce.com awsapps.com sharepoint.com slack.com
    """
)
_LABELS = st.from_regex(r"[a-z][a-z0-9]{1,12}", fullmatch=True)
_RELAYS = words(
    """
    privaterelay.appleid.com mozmail.com relay.firefox.com duck.com simplelogin.com aleeas.com slmail.me
    passmail.net addy.io anonaddy.com anonaddy.me forwardemail.net users.noreply.github.com marketplace.amazon.com
    """
)
_THROW_AWAY = [
    "guerrillamail.com",
    "mailinator.com",
    "yopmail.com",
    "10minutemail.com",
    "sharklasers.com",
    "getnada.com",
]
_PROVIDERS = words(
    """
    tuta.com tutanota.com hey.com proton.me protonmail.com gmx.net gmx.at web.de t-online.de freenet.de mail.ru
    bk.ru qq.com 163.com fastmail.com yandex.ru naver.com daum.net zoho.com docomo.ne.jp ezweb.ne.jp chello.at
    sympatico.ca sfr.fr orange.fr laposte.net online.no telia.com bluewin.ch libero.it tim.it telenet.be ziggo.nl
    seznam.cz wp.pl ukr.net abv.bg freemail.hu btinternet.com sky.com comcast.net cox.net rogers.com shaw.ca
    bigpond.com xtra.co.nz uol.com.br rediffmail.com hinet.net walla.co.il mweb.co.za hotmail.com.mx yahoo.co.jp
    """
)


def reasons_of(email: str, rules: Rules | None = None) -> list[str]:
    state = state_of(made(who=(AttendeeDetails(email=email),)), rules=rules or Rules())
    assert state.booking is not None
    assert state.company_key is None
    assert set(state.people) == {email}
    return [entry.because for entry in state.entries if entry.what == "deal.none"]


# The first address loads the lists.
@settings(deadline=None)
@given(_LABELS, _LABELS, st.sampled_from(_SHARED_HOSTS), st.sampled_from(["", "mail.", "a.b."]))
def test_two_tenants_are_two_companies(one: str, other: str, host: str, below: str) -> None:
    """F09: each name below a shared host is a company, also with more labels before it."""
    assume(one != other and not {one, other} & {"mail", "my", "www", "partner"})
    domains = [Rules().company_domain(f"ann@{below}{name}.{host}") for name in (one, other)]
    assert domains == [f"{one}.{host}", f"{other}.{host}"]


@pytest.mark.parametrize("host", ["onmicrosoft.com", "github.io", "uk.com", "co.uk", "atlassian.net"])
def test_a_shared_host_is_no_company(host: str) -> None:
    """F09: an address at the host itself says nothing about a company."""
    assert registrable_domain(f"ann@{host}") is None
    assert reasons_of(f"ann@{host}") == [f"{host} is shared by many organisations, so there is no company and no deal"]


def test_the_staff_of_a_host_are_a_company() -> None:
    """F09: Zendesk's own people have addresses at the domain whose subdomains are its customers'."""
    assert registrable_domain("ann@zendesk.com") == "zendesk.com"
    assert registrable_domain("ann@acme.zendesk.com") == "acme.zendesk.com"


@pytest.mark.parametrize(
    ("domains", "reason"),
    [
        (_RELAYS, "is a mail relay that hides the real address"),
        (_THROW_AWAY, "gives out throw-away addresses"),
        (_PROVIDERS, "is a personal domain"),
    ],
)
def test_relays_throw_away_addresses_and_providers_make_no_company(domains: list[str], reason: str) -> None:
    """F09: the timeline says which of them it is."""
    for domain in domains:
        assert reasons_of(f"x7f2@{domain}") == [f"{domain} {reason}, so there is no company and no deal"]
        assert Rules().company_domain(f"x7f2@sub.{domain}") is None


def test_the_users_rules_override_the_lists() -> None:
    """F09: `business_domains` before `personal_domains` before the lists; a rule for a host covers what is below it."""
    business = Rules(business_domains=frozenset({"gmail.com", "mozmail.com", "yopmail.com", "uk.com"}))
    assert business.company_domain("a@gmail.com") == "gmail.com"
    assert business.company_domain("a@mozmail.com") == "mozmail.com"
    assert business.company_domain("a@yopmail.com") == "yopmail.com"
    assert business.company_domain("a@uk.com") == "uk.com"
    assert business.company_domain("a@acme.uk.com") == "acme.uk.com"
    personal = Rules(personal_domains=frozenset({"acme.com", "github.io"}))
    assert personal.company_domain("a@ann.github.io") is None
    assert reasons_of("a@mail.acme.com", personal) == [
        "mail.acme.com is a personal domain by your rules, so there is no company and no deal"
    ]


@pytest.mark.parametrize(
    "domain",
    ["[10.0.0.1]", "[IPv6:2001:db8::1]", "[::1]", "10.0.0.1", "127.1", "0x7f.0x1", "1.2.3.4.", "localhost", "", "a..b"],
)
def test_the_address_of_a_computer_makes_no_company(domain: str) -> None:
    """M10: address literals, bare addresses and host names without a domain."""
    assert registrable_domain(f"a@{domain}") is None
    assert Rules().company_domain(f"a@{domain}") is None
    state = state_of(made(who=(AttendeeDetails(email=f"a@{domain}"), SARAH)))
    assert state.booking is not None
    assert state.company_key == "domain:acme.com"


@settings(deadline=None)
@given(st.text(max_size=80))
def test_no_domain_makes_the_lists_fail(domain: str) -> None:
    """F09, F11: the company of any text is None or a normalized domain."""
    found = Rules().company_domain(f"a@{domain}")
    assert found is None or registrable_domain(f"a@{found}") == found


def test_the_lists_are_well_formed() -> None:
    """F09: each name once, normalized, and no provider among the tenant hosts."""
    entries = [
        entry.removeprefix("*.")
        for path in sorted(_LISTS.glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
        for entry in line.split()
    ]
    assert len(entries) == len(set(entries)) > 300
    assert json.dumps(entries).islower()
    assert all("." in entry for entry in entries)
