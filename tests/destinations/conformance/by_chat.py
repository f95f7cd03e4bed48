"""Slack in the suite."""

from showup.destinations.catalogue import KINDS
from showup.destinations.contract import Destination
from showup.destinations.kind import Outfit
from tests.destinations.conformance.case import Case, notice, of_kind
from tests.destinations.far.slack import CHANNEL, FarSlack


def _by_slack(far: FarSlack, url: str, outfit: Outfit) -> Destination:
    return of_kind(KINDS["slack"], {"channel": CHANNEL}, {"bot_token": far.key}, url, outfit)


SLACK = Case(
    name="slack",
    kind="slack",
    destination="slack",
    start=lambda clock: FarSlack(clock=clock),
    build=_by_slack,
    effects=lambda far: far.effects,
    secrets=lambda far: (far.key,),
    notice=notice("booking.created"),
    # A channel that is not there, and what Slack calls a fatal error of its own.
    means={"404": "gave_up", "409": "destination"},
)
