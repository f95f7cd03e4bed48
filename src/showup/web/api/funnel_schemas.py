"""The answer of `/api/funnel` and its example (CA5)."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from showup.campaigns.campaign import CampaignSource
from showup.reads.funnel_answer import DEFINITIONS
from showup.reads.funnel_filter import Basis, Dimension, Source
from showup.web.api.schemas import Example


class OutcomeSplit(BaseModel):
    """Those who booked, by what became of it; the counts add up to `booked` where no period is given."""

    showed_reported: int
    showed_assumed: int = Field(description="Cal.com reported the end of the meeting, and nothing else is known.")
    no_show: int
    host_absent: int
    unreported: int = Field(description="The meeting is over, and nothing was reported.")
    upcoming: int = Field(description="The meeting is not over.")


class HeldRate(BaseModel):
    """People by their last reported meeting: reported showed / (reported showed + no-show) × 100."""

    showed_reported: int
    no_show: int
    of: int
    rate: float | None = Field(description="Percent; null if nothing was reported.")
    enough_data: bool = Field(description="False below 5: the rate says too little.")
    wilson_95: tuple[float, float] | None = Field(description="Wilson's 95 % interval, in percent.")
    bounds: tuple[float, float] | None = Field(
        description="The rate if all that is assumed or unreported were no-shows, and if all of it were shows."
    )


class DealsWonResponse(BaseModel):
    """Won deals, each counted for the first booking that a lead made."""

    won: int
    value: dict[str, float] = Field(description="Sum of their amounts, by currency.")


class FunnelCounts(BaseModel):
    """Steps, rates in percent, and outcomes. Mails and replies are null where a meeting's organizer is chosen."""

    sent: int | None = Field(description="Mails.")
    delivered: int | None = Field(description="Mails that did not bounce.")
    replied: int | None = Field(description="People, as all further steps.")
    interested: int | None
    booked: int
    showed: int
    delivery_rate: float | None
    reply_rate: float | None
    interest_rate: float | None
    booking_rate: float | None = Field(description="May exceed 100: some people book without an interest on record.")
    show_rate: float | None
    roi: float | None
    split: OutcomeSplit
    held_rate: HeldRate
    deals: DealsWonResponse


class FunnelCampaign(BaseModel):
    """A campaign."""

    id: int
    name: str
    source: CampaignSource


class GroupKey(BaseModel):
    """What the group has in common. A key that is null was not asked for, or is unknown."""

    workspace: str | None = None
    campaign: FunnelCampaign | None = None
    step: int | None = Field(None, description="Which mail of the campaign, from 1: the answered or the last one.")
    sender: str | None = None
    source: Source | None = None
    organizer: str | None = None


class FunnelItem(FunnelCounts):
    """The funnel of one group."""

    group: GroupKey


class DifferenceResponse(BaseModel):
    """First minus second in percentage points; `beyond_chance`: zero is outside Newcombe's 95 % interval."""

    difference: float
    newcombe_95: tuple[float, float] | None
    beyond_chance: bool | None = Field(description="Null where one of the two has fewer than 5 cases.")


class GroupDifference(BaseModel):
    """How the held rates of two groups differ."""

    first: GroupKey
    second: GroupKey
    held_rate: DifferenceResponse


class PreviousPeriod(FunnelCounts):
    """The period before; `changes` by the rate's name, null where a rate is missing."""

    from_: datetime = Field(alias="from")
    to: datetime
    changes: dict[str, DifferenceResponse | None]


class Undated(BaseModel):
    """What has no date, and is in no period."""

    sent: int
    replied: int
    interested: int


class Definitions(BaseModel):
    """What each step counts, and what each rate divides."""

    units: dict[str, Literal["mails", "people"]]
    divides: dict[str, str]


class SourceStatus(BaseModel):
    """Whether a source can be reached; while it can't, its last known data are shown."""

    available: bool | None = Field(description="Null: never checked.")
    last_synced_at: datetime | None
    message: str | None = Field(description="Such as `Cal.com data unavailable`, with the reason.")


class FunnelResponse(FunnelCounts):
    """The funnel of all that is selected, and of each group, those with the most won deals first."""

    group_by: list[Dimension]
    basis: Basis
    from_: datetime | None = Field(alias="from")
    to: datetime | None
    items: list[FunnelItem]
    omitted: int = Field(description="How many groups are left out, because of `limit`.")
    undated: Undated | None = Field(description="Null without a period.")
    previous: PreviousPeriod | None
    differences: list[GroupDifference] | None
    definitions: Definitions
    calcom: SourceStatus
    emailbison: SourceStatus


_COUNTS: Example = {
    "sent": 30,
    "delivered": 28,
    "replied": 10,
    "interested": 8,
    "booked": 9,
    "showed": 6,
    "delivery_rate": 93.333333,
    "reply_rate": 35.714286,
    "interest_rate": 80.0,
    "booking_rate": 112.5,
    "show_rate": 66.666667,
    "roi": 20.0,
    "split": {
        "showed_reported": 4,
        "showed_assumed": 2,
        "no_show": 1,
        "host_absent": 1,
        "unreported": 0,
        "upcoming": 1,
    },
    "held_rate": {
        "showed_reported": 4,
        "no_show": 1,
        "of": 5,
        "rate": 80.0,
        "enough_data": True,
        "wilson_95": [37.553463, 96.377589],
        "bounds": [57.142857, 85.714286],
    },
    "deals": {"won": 2, "value": {"EUR": 18000.0}},
}
_CAMPAIGN: Example = {"id": 1_000_000_000, "name": "Founders NL", "source": "csv"}
_NO_GROUP: Example = dict.fromkeys(("step", "sender", "source", "organizer"))
FUNNEL_EXAMPLE: Example = {
    **_COUNTS,
    "group_by": ["campaign"],
    "basis": "activity",
    "from": "2026-01-01T00:00:00Z",
    "to": "2026-04-01T00:00:00Z",
    "items": [{**_COUNTS, "group": {"workspace": "default", "campaign": _CAMPAIGN, **_NO_GROUP}}],
    "omitted": 0,
    "undated": {"sent": 0, "replied": 2, "interested": 2},
    "previous": None,
    "differences": None,
    "definitions": DEFINITIONS,
    "calcom": {"available": True, "last_synced_at": "2026-03-12T15:55:00Z", "message": None},
    "emailbison": {"available": None, "last_synced_at": None, "message": None},
}
