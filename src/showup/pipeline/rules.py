"""Policy as data: what a workspace has decided about its pipeline. Whatever a fold depends on beside events is here."""

from datetime import timedelta
from typing import Literal

from msgspec import Struct

from showup.companies.domain import PERSONAL_DOMAINS, is_personal, registrable_domain


class Rules(Struct, frozen=True, kw_only=True):
    """The rules of one workspace; the defaults are those of PRODUCT.md."""

    # "always": a cancellation cancels the deal. "last_meeting": only when no other meeting of the deal is ahead.
    cancel_deal: Literal["always", "last_meeting"] = "always"
    # "showed": the scheduled end counts as attended until somebody says otherwise. "unreported": it waits for them.
    meeting_ended: Literal["showed", "unreported"] = "showed"
    # Added to, and taken from, the maintained list of personal domains.
    personal_domains: frozenset[str] = frozenset()
    business_domains: frozenset[str] = frozenset()
    # Our own side: whoever is here is never a person, a company or a deal.
    team_domains: frozenset[str] = frozenset()
    team_emails: frozenset[str] = frozenset()
    # News older than this is told to nobody.
    fresh_for: timedelta = timedelta(hours=24)
    # Reminders, as time before the meeting.
    remind_before: tuple[timedelta, ...] = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))

    def is_team(self, email: str) -> bool:
        """Whether the address is one of ours."""
        return email in self.team_emails or registrable_domain(email) in self.team_domains

    def company_domain(self, email: str) -> str | None:
        """The company that the address speaks for; None for a personal one."""
        domain = registrable_domain(email)
        if domain is None:
            return None
        if domain in self.business_domains:
            return domain
        personal = domain in self.personal_domains or is_personal(email, domain, PERSONAL_DOMAINS)
        return None if personal else domain
