"""Runs a fake vendor as a process: `python -m tests.destinations.fake_vendors resend --port 4100 --faults 500=0.1`.

It prints its address. `GET /state` returns its state, and `PUT /state {"faults": "503=1", "seed": 1}` sets faults.
"""

import argparse
import threading

from tests.destinations.fake_vendors.clickup import FakeClickUp
from tests.destinations.fake_vendors.emailbison import FakeEmailBison
from tests.destinations.fake_vendors.notion import FakeNotion
from tests.destinations.fake_vendors.prefect import FakePrefect
from tests.destinations.fake_vendors.resend import FakeResend
from tests.destinations.fake_vendors.slack import FakeSlack
from tests.destinations.fake_vendors.twilio import FakeTwilio
from tests.destinations.fake_vendors.webhook import FakeWebhookReceiver
from tests.vendors.faults import Faults
from tests.vendors.server import VendorOptions, VendorServer

VENDORS: dict[str, type[VendorServer]] = {
    "clickup": FakeClickUp,
    "emailbison": FakeEmailBison,
    "notion": FakeNotion,
    "prefect": FakePrefect,
    "resend": FakeResend,
    "slack": FakeSlack,
    "twilio": FakeTwilio,
    "webhook": FakeWebhookReceiver,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a fake vendor on loopback.")
    parser.add_argument("vendor", choices=VENDORS)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", default="")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--key")
    args = parser.parse_args()
    options: VendorOptions = {"port": args.port, "faults": Faults.parse(args.faults, seed=args.seed)}
    if args.key is not None:
        options["key"] = args.key
    with VENDORS[args.vendor](**options) as fake:
        print(f"running at {fake.url}", flush=True)  # noqa: T201 - whoever started it waits for this line
        threading.Event().wait()


if __name__ == "__main__":
    main()
