"""A campaign: it has an integer id, whichever source it comes from."""

from typing import Final, Literal, TypeAlias

CampaignSource: TypeAlias = Literal["csv", "emailbison"]

FIRST_OWN_ID: Final = 1_000_000_000
"""Campaigns that no other system has numbered get ids from here on, which EmailBison's own ids do not reach."""

MAX_NAME: Final = 200
