"""`/api/funnel`: from the mails of campaigns to the people who showed, and the deals that were won (CA5)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, field_validator

from showup.access.permission import Permission
from showup.campaigns.campaign import CampaignSource
from showup.campaigns.funnel import RATES, STEPS, Outcomes
from showup.reads.funnel_answer import DEFINITIONS, MAX_COMPARED, Comparison, FunnelRequest, describe_funnel
from showup.reads.funnel_filter import DIMENSIONS, Basis, Dimension, FunnelFilter, Source
from showup.reads.rows import Item
from showup.reads.simulated import SimulatedFilter
from showup.values.email_address import normalize_email
from showup.web.api.schemas import Example, ok_response
from showup.web.http.api_route import ApiRoute
from showup.web.http.app_state import ReadTransaction, State
from showup.web.http.auth import Reader
from showup.web.http.csv_response import MEDIA_TYPE, csv_response
from showup.web.http.problems import invalid_field
from showup.web.http.query_params import SIMULATED, ShortText, Timestamp, WorkspaceQuery, any_of

router = APIRouter(prefix="/api", tags=["funnel"], route_class=ApiRoute)

MAX_GROUPS: Final = 1_000


class FunnelQuery(WorkspaceQuery):
    """What the funnel counts, and by what it is grouped."""

    campaign_id: list[Annotated[int, Field(ge=0, lt=2**63)]] = any_of("Number of a campaign.")
    source: list[Source] = any_of("Source of the campaigns; `unknown`: people whom no campaign brought.")
    organizer: list[ShortText] = any_of("Email of a meeting's organizer. Mails and replies have none, and are null.")
    from_: Timestamp | None = Field(None, alias="from", description="Start of the period.")
    to: Timestamp | None = Field(None, description="End of the period, exclusive.")
    basis: Basis = Field(
        "activity",
        description="`activity`: each step counts by its own date. `cohort`: all steps, by the lead's first mail.",
    )
    group_by: list[Annotated[str, Field(max_length=100)]] = any_of(
        f"One or more of {', '.join(DIMENSIONS)}, also with commas: `campaign,step,sender`."
    )
    compare: Comparison | None = Field(
        None,
        description="`previous`: with the period before, of the same length."
        f" `groups`: the held rates of the first {MAX_COMPARED} groups.",
    )
    simulated: SimulatedFilter = Field("false", description=f"Of bookings. {SIMULATED}")
    limit: int = Field(200, ge=1, le=MAX_GROUPS, description="The most groups to return.")

    @field_validator("group_by")
    @classmethod
    def _split(cls, values: list[str]) -> list[str]:
        names = list(dict.fromkeys(name.strip() for value in values for name in value.split(",")))
        if unknown := [name for name in names if name not in DIMENSIONS]:
            raise ValueError(f"Send {', '.join(DIMENSIONS)}, and not {unknown[0]!r}")
        return names

    def request(self, permission: Permission) -> FunnelRequest:
        """Return the funnel to read. Refuses a comparison with the period before without a period."""
        if self.compare == "previous" and (self.from_ is None or self.to is None or self.to <= self.from_):
            raise invalid_field("compare", "query", "To compare with the period before, send `from`, and a later `to`.")
        dimensions: list[Dimension] = [name for name in DIMENSIONS if name in self.group_by]
        return FunnelRequest(
            wanted=FunnelFilter(
                workspace_id=permission.workspace_id,
                campaign_ids=self.campaign_id,
                sources=self.source,
                organizers=[normalize_email(email) for email in self.organizer],
                since=self.from_,
                until=self.to,
                basis=self.basis,
                simulated=self.simulated,
            ),
            dimensions=dimensions,
            compare=self.compare,
            limit=self.limit,
        )


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
_FUNNEL: Example = {
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


@router.get("/funnel", name="get_funnel", response_model=FunnelResponse, responses=ok_response(_FUNNEL))
async def get_funnel(
    permission: Reader, tx: ReadTransaction, state: State, query: Annotated[FunnelQuery, Query()]
) -> Any:
    """Count mails, replies, bookings and shows of campaigns, and the deals that they brought.

    `sent` and `delivered` are mails; all other steps are people, each once in a group. Without simulated bookings.
    """
    return await describe_funnel(tx, query.request(permission), state.clock())


_OUTCOMES: Final = tuple(Outcomes.__struct_fields__)
_HEADER: Final = (
    *("workspace", "campaign_id", "campaign", "step", "sender", "source", "organizer", *STEPS, *RATES, *_OUTCOMES),
    *("held_rate", "held_rate_of", "held_rate_low", "held_rate_high", "enough_data", "deals_won", "deals_value"),
    "notice",
)


@router.get(
    "/funnel.csv",
    name="get_funnel_csv",
    response_class=Response,
    responses=ok_response(",".join(_HEADER) + "\r\n", media_type=MEDIA_TYPE),
)
async def get_funnel_csv(
    permission: Reader, tx: ReadTransaction, state: State, query: Annotated[FunnelQuery, Query()]
) -> Response:
    """Return the groups of the funnel as a file for spreadsheets, or the total if nothing is grouped."""
    funnel = await describe_funnel(tx, query.request(permission), state.clock())
    return csv_response(_HEADER, _rows(funnel), file_name="funnel.csv")


def _rows(funnel: Item) -> Iterator[list[object]]:
    notices = [health.message for health in (funnel["calcom"], funnel["emailbison"]) if health.message is not None]
    for item in funnel["items"] if funnel["group_by"] else [funnel | {"group": {}}]:
        key, held, deals = item["group"], item["held_rate"], item["deals"]
        campaign = key.get("campaign") or {}
        low, high = held["wilson_95"] or (None, None)
        value = "; ".join(f"{currency} {amount}" for currency, amount in sorted(deals["value"].items()))
        yield [
            *(key.get("workspace"), campaign.get("id"), campaign.get("name")),
            *(key.get(name) for name in ("step", "sender", "source", "organizer")),
            *(item[name] for name in (*STEPS, *RATES)),
            *(item["split"][name] for name in _OUTCOMES),
            *(held["rate"], held["of"], low, high, held["enough_data"], deals["won"], value, "; ".join(notices)),
        ]
