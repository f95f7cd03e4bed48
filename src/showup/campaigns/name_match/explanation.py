"""Says in words how an attendee and a lead compare: the evidence of a match or of a suggestion. Pure."""

from collections.abc import Mapping
from typing import Final

from showup.campaigns.name_match.evidence import AttendeeFeatures, LeadComparison, LeadFeatures, Level

_NAMES: Final[Mapping[Level, str]] = {
    "same": "the same {0}",
    "short": "a short form of the {0}",
    "initial": "the initial of the {0}",
    "part": "a part of the {0}",
    "slip": "nearly the same {0}",
    "mailbox": "the {0} in the attendee's address",
    "unknown": "no {0} to compare",
    "other": "another {0}",
}
_COMPANIES: Final[Mapping[Level, str]] = {
    "same": "the same company",
    "slip": "nearly the same company",
    "part": "a part of the company's name",
    "acronym": "an acronym of the company's name",
    "other": "another company",
}


def explain(attendee: AttendeeFeatures, lead: LeadFeatures, comparison: LeadComparison) -> dict[str, str]:
    """Return what was compared and how it compares, by `name` and `company`."""
    forenames = _NAMES[comparison.forenames].format("given name")
    family = _NAMES[comparison.family].format("family name")
    both = "the same name" if comparison.forenames == comparison.family == "same" else f"{forenames}, {family}"
    return {
        "name": f"{_quoted(attendee.label)} and {_quoted(lead.label)}: {both}",
        "company": _company(attendee, lead, comparison),
    }


def _company(attendee: AttendeeFeatures, lead: LeadFeatures, comparison: LeadComparison) -> str:
    if comparison.company == "domain":
        return f"{attendee.domain} is the domain of both addresses"
    words = _COMPANIES.get(comparison.company)
    if words is None:
        return "no company to compare"
    known = attendee.domain if comparison.by_domain else attendee.company_label
    return f"{_quoted(known or '')} and {_quoted(lead.company_label)}: {words}"


def _quoted(text: str) -> str:
    return f"“{text}”" if text else "no name"
