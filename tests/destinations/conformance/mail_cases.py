"""Mail cases: Resend and SMTP. The mail preview calls no other system, so it has no case."""

from collections import Counter
from datetime import timedelta

from showup.destinations.contract import Destination
from showup.destinations.destination_kind import DestinationContext
from showup.destinations.email.client import Resend
from showup.destinations.email.destination import EmailDestination, MailTransport
from showup.destinations.email.settings import SmtpServer
from showup.destinations.email.smtp import Smtp
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
    notification=notification("confirmation"),
    # A path that Resend doesn't have is not answered by Resend; a 409 says that the same mail is in progress.
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
    notification=notification("confirmation"),
    # The connection closed during this mail, and may work for other mails.
    means={"429": "delivery", "reset": "delivery", "lost": "delivery"},
    faults={"401": "530", "422": "554", "429": "452", "500": "421"},
    exceptions={
        "http": "SMTP does not use HTTP",
        "openapi": "SMTP follows RFC 5321, which has no OpenAPI document",
        "once": "a server that accepts a mail and fails before its reply can't be queried: at least once",
        "404": "SMTP has no URLs or paths",
        "409": "SMTP has no idempotency keys",
        "503": "the reply 421 means the same",
        "html": "SMTP has no web pages",
    },
)
