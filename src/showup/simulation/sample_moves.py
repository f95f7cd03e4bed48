"""What a person did with the sample's deals: no webhook moves a deal past `met`."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from showup.companies.company import key_of_domain
from showup.deals.deal import DealChange
from showup.events.deal import DealChanged
from showup.simulation.sample import SAMPLE, meeting_end

ACTOR: Final = "sample"


class SampleMove(Struct, frozen=True, kw_only=True):
    """A person's command and when they gave it."""

    event: DealChanged
    at: datetime


def sample_moves(now: datetime) -> list[SampleMove]:
    """Returns the moves of the deals beyond `met`, each some hours after its meeting."""
    return [
        SampleMove(
            event=DealChanged(
                subject=f"uid:{deal.uid}", change=DealChange(stage=deal.stage), seats_of=key_of_domain(deal.domain)
            ),
            at=meeting_end(deal, number, now) + timedelta(hours=3),
        )
        for number, deal in enumerate(SAMPLE)
        if deal.stage not in ("booked", "met")
    ]
