"""Text messages in the suite, through Twilio."""

from showup.connections.catalogue import KINDS
from showup.destinations.contract import Destination
from showup.destinations.destination_kind import DestinationContext
from tests.destinations.conformance.case import NOW, START, Case, notification, of_kind
from tests.destinations.fake_vendors.twilio import NUMBER, FakeTwilio


def build_twilio(fake: FakeTwilio, url: str, context: DestinationContext) -> Destination:
    settings = {"account_sid": fake.account, "sender": NUMBER}
    return of_kind(KINDS["twilio"], settings, {"auth_token": fake.key}, url, context)


TWILIO = Case(
    name="twilio",
    kind="twilio",
    destination="twilio",
    start=lambda clock: FakeTwilio(clock=clock),
    build=build_twilio,
    effects=lambda fake: fake.effects,
    secrets=lambda fake: (fake.key,),
    notification=notification("remind", before_seconds=(START - NOW).total_seconds()),
    means={"404": "destination", "409": "delivery"},
)
