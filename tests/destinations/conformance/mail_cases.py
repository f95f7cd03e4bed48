"""Mail cases: Resend and SMTP. The mail preview calls no other system, so there is nothing to conform to."""

from collections import Counter
from datetime import timedelta

from showup.destinations.contract import Destination
from showup.destinations.destination_kind import DestinationContext
from showup.destinations.email.destination import EmailDestination, MailTransport
from showup.destinations.email.resend import Resend
from showup.destinations.email.smtp import Smtp
from showup.destinations.email.smtp_url import SmtpServer
from tests.destinations.conformance.case import Case, notification
from tests.destinations.email.rendered_mail import renderer
from tests.destinations.fake_vendors.resend import FakeResend
from tests.destinations.fake_vendors.smtp import FakeSmtp

_PAUSES = (timedelta(seconds=30), timedelta(minutes=2))


def _mail(carrier: MailTransport) -> Destination:
    return EmailDestination(renderer(), carrier, pace=carrier.pace(_PAUSES))


def build_resend(fake: FakeResend, url: str, context: DestinationContext) -> Destination:
    return _mail(Resend(context.client, url=url, key=fake.key, clock=context.clock))


def build_smtp(_: FakeSmtp, url: str, context: DestinationContext) -> Destination:
    return _mail(Smtp(SmtpServer.from_url(url), clock=context.clock))


def accepted_mails(fake: FakeSmtp) -> Counter[str]:
    return Counter(str(one.message["Message-ID"]) for one in fake.taken)


RESEND = Case(
    name="resend",
    kind="resend",
    destination="email",
    start=lambda clock: FakeResend(clock=clock),
    build=build_resend,
    effects=lambda fake: Counter(one.key for one in fake.sent),
    secrets=lambda fake: (fake.key,),
    notification=notification("confirm"),
    # An address of theirs that is not there is not theirs; a 409 says that the same mail is under way.
    means={"404": "destination", "409": "delivery"},
    faults={"401": "restricted"},
)
SMTP = Case(
    name="smtp",
    kind="smtp",
    destination="email",
    start=lambda _: FakeSmtp(),
    build=build_smtp,
    effects=accepted_mails,
    secrets=lambda _: (),
    notification=notification("confirm"),
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
