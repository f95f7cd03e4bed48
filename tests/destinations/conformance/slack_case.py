"""Slack in the suite."""

from showup.connections.catalogue import KINDS
from showup.destinations.contract import Destination
from showup.destinations.destination_kind import DestinationContext
from tests.destinations.conformance.case import Case, notification, of_kind
from tests.destinations.fake_vendors.slack import CHANNEL, FakeSlack


def build_slack(fake: FakeSlack, url: str, context: DestinationContext) -> Destination:
    return of_kind(KINDS["slack"], {"channel": CHANNEL}, {"bot_token": fake.key}, url, context)


SLACK = Case(
    name="slack",
    kind="slack",
    destination="slack",
    start=lambda clock: FakeSlack(clock=clock),
    build=build_slack,
    effects=lambda fake: fake.effects,
    secrets=lambda fake: (fake.key,),
    notification=notification("booking.created"),
    # A missing channel, and Slack's own error code for an internal failure.
    means={"404": "gave_up", "409": "destination"},
)
