"""Text messages in the suite, through Twilio."""

from showup.destinations.catalogue import KINDS
from showup.destinations.contract import Destination
from showup.destinations.kind import Outfit
from tests.destinations.conformance.case import NOW, START, Case, notice, of_kind
from tests.destinations.far.twilio import NUMBER, FarTwilio


def _by_twilio(far: FarTwilio, url: str, outfit: Outfit) -> Destination:
    settings = {"account_sid": far.account, "sender": NUMBER}
    return of_kind(KINDS["twilio"], settings, {"auth_token": far.key}, url, outfit)


TWILIO = Case(
    name="twilio",
    kind="twilio",
    destination="twilio",
    start=lambda clock: FarTwilio(clock=clock),
    build=_by_twilio,
    effects=lambda far: far.effects,
    secrets=lambda far: (far.key,),
    notice=notice("remind", before_seconds=(START - NOW).total_seconds()),
    means={"404": "destination", "409": "delivery"},
)
