"""M13: the id of one event is on every log line about it, from the webhook to the destination, in all processes."""

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from tests.destinations.fake_vendors.smtp import FakeSmtp
from tests.showup_process import PAYLOAD, ShowupProcess

_SENDERS = '[[senders]]\nfrom = "team@example.com"\n'


def upcoming_booking() -> bytes:
    """Returns the body of a webhook about a new booking for tomorrow; its attendees, of another company, get a mail."""
    body = json.loads(PAYLOAD.read_bytes())
    start = datetime.now(UTC) + timedelta(days=1)
    body["createdAt"] = datetime.now(UTC).isoformat()
    body["payload"] |= {
        "uid": uuid4().hex,
        "startTime": start.isoformat(),
        "endTime": (start + timedelta(minutes=30)).isoformat(),
    }
    body["payload"]["organizer"]["email"] = "host@ours.example"
    return json.dumps(body).encode()


def test_m13_one_id_leads_from_the_webhook_to_the_delivery(database_url: str, tmp_path: Path) -> None:
    (tmp_path / "showup.toml").write_text(_SENDERS)
    settings = {
        "LOG_FORMAT": "json",
        "SHOWUP_CONFIG": str(tmp_path / "showup.toml"),
        "DATABASE_URL": database_url,
        "SHOWUP_SECRET_KEY": "k" * 40,
    }
    with FakeSmtp() as smtp:
        showup = ShowupProcess(SMTP_URL=smtp.url, **settings)
        try:
            event_id = showup.post(upcoming_booking()).raise_for_status().json()["id"]
            delivered = json.loads(showup.wait_for_output(r"(\{.*delivery delivered.*\})"))
        finally:
            showup.stop(signal.SIGINT)
    lines = [json.loads(text) for text in showup.output if text.startswith("{")]
    about_it = [line for line in lines if event_id in (line.get("event_id"), *line.get("event_ids", ()))]
    names = [line["event"] for line in about_it]
    assert list(dict.fromkeys(names)) == ["webhooks received", "events processed", "delivery delivered"]
    about_the_delivery = [line for line in lines if delivered["delivery"] in json.dumps(line)]
    assert {line.get("event_id") for line in about_the_delivery} == {event_id}
    assert len(smtp.taken) == names.count("delivery delivered")
