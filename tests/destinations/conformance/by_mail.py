"""Mail in the suite: by Resend and by SMTP. Kept mail, the outbox, calls nobody and so has nothing to conform to."""

from collections import Counter
from datetime import timedelta

from showup.destinations.contract import Destination
from showup.destinations.email.destination import Carrier, EmailDestination
from showup.destinations.email.resend import Resend
from showup.destinations.email.smtp import Smtp
from showup.destinations.email.smtp_url import SmtpServer
from showup.destinations.kind import Outfit
from tests.destinations.conformance.case import Case, notice
from tests.destinations.email.looks import renderer
from tests.destinations.far.resend import FarResend
from tests.destinations.far.smtp import FarSmtp

_PAUSES = (timedelta(seconds=30), timedelta(minutes=2))


def _mail(carrier: Carrier) -> Destination:
    return EmailDestination(renderer(), carrier, pace=carrier.pace(_PAUSES))


def _by_resend(far: FarResend, url: str, outfit: Outfit) -> Destination:
    return _mail(Resend(outfit.client, url=url, key=far.key, clock=outfit.clock))


def _by_smtp(_: FarSmtp, url: str, outfit: Outfit) -> Destination:
    return _mail(Smtp(SmtpServer.of(url), clock=outfit.clock))


def _taken(far: FarSmtp) -> Counter[str]:
    return Counter(str(one.message["Message-ID"]) for one in far.taken)


RESEND = Case(
    name="resend",
    kind="resend",
    destination="email",
    start=lambda clock: FarResend(clock=clock),
    build=_by_resend,
    effects=lambda far: Counter(one.key for one in far.sent),
    secrets=lambda far: (far.key,),
    notice=notice("confirm"),
    # An address of theirs that is not there is not theirs; a 409 says that the same mail is under way.
    means={"404": "destination", "409": "delivery"},
    faults={"401": "restricted"},
)
SMTP = Case(
    name="smtp",
    kind="smtp",
    destination="email",
    start=lambda _: FarSmtp(),
    build=_by_smtp,
    effects=_taken,
    secrets=lambda _: (),
    notice=notice("confirm"),
    # It broke off over this mail, and may do so over no other.
    means={"429": "delivery", "reset": "delivery", "lost": "delivery"},
    faults={"401": "530", "422": "554", "429": "452", "500": "421", "reset": "drop_at_rcpt", "lost": "drop"},
    exceptions={
        "http": "it is not spoken to in HTTP",
        "openapi": "SMTP has RFC 5321, and no OpenAPI",
        "once": "a server that takes a mail and dies before it says so can't be asked for it: at least once",
        "404": "it has no addresses of its own",
        "409": "it knows of no mail under way",
        "503": "421 says the same",
        "html": "it serves no pages",
    },
)
