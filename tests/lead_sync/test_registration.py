"""CA1: the webhook at EmailBison is created and repaired, and a valid secret exists at every moment."""

import pytest

from showup.destinations.vendor_api import VendorError
from showup.reconcile.lead_sync.webhook_registration import EVENTS
from tests.destinations.fake_vendors.emailbison import FakeEmailBison
from tests.lead_sync.scenario import LeadSyncScenario

BODY = b'{"event": {"type": "EMAIL_OPENED", "n": %d}, "data": {}}'


def tokens_of(fake: FakeEmailBison) -> list[str]:
    return [one["url"].rpartition("/")[2] for one in fake.workspace.webhooks.values()]


async def test_a_webhook_is_created_with_a_secret_that_works(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    registration = await bison.registration()
    assert await registration.state() == "missing"
    done = await registration.register()
    [webhook] = fake.workspace.webhooks.values()
    assert (done.created, done.url, webhook["events"]) == (True, webhook["url"], list(EVENTS))
    assert done.url.startswith("https://showup.example/webhooks/emailbison/")
    assert (await bison.post(tokens_of(fake)[0], BODY % 1)).status_code == 200
    assert await registration.state() == "registered"


async def test_a_repetition_changes_the_secret_and_the_old_one_works_for_a_day(
    bison: LeadSyncScenario, fake: FakeEmailBison
) -> None:
    fake.workspace.webhooks[1] = {
        "id": 1,
        "name": "Other",
        "url": "https://other.example/hook",
        "events": ["email_sent"],
    }
    await (await bison.registration()).register()
    old = tokens_of(fake)[1]
    fake.workspace.webhooks[2]["events"] = ["lead_replied"]
    assert await (await bison.registration()).state() == "outdated"
    done = await (await bison.registration()).register()
    other, ours = fake.workspace.webhooks.values()
    assert (done.created, ours["url"], ours["events"]) == (False, done.url, list(EVENTS))
    assert other["url"] == "https://other.example/hook"
    new = tokens_of(fake)[1]
    assert new != old
    assert [(await bison.post(one, BODY % number)).status_code for number, one in enumerate((old, new))] == [200, 200]
    await bison.wait(hours=25)
    assert [(await bison.post(one, BODY % number)).status_code for number, one in enumerate((old, new))] == [404, 200]


@pytest.mark.parametrize("fault", ["422", "lost"])
async def test_a_call_that_fails_leaves_the_known_secret(
    bison: LeadSyncScenario, fake: FakeEmailBison, fault: str
) -> None:
    """After a refusal the new secret is gone; without an answer, EmailBison may have it, and it works."""
    await (await bison.registration()).register()
    fake.faults.queue(None, None, fault)
    with pytest.raises(VendorError):
        await (await bison.registration()).register()
    assert (await bison.post(tokens_of(fake)[0], BODY % 1)).status_code == 200
    assert len(await bison.valid_tokens()) == (1 if fault == "422" else 2)
    assert await (await bison.registration()).state() == "registered"


async def test_repeated_webhooks_of_ours_are_removed(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    await (await bison.registration()).register()
    fake.workspace.webhooks[2] = fake.workspace.webhooks[1] | {"id": 2}
    await (await bison.registration()).register()
    assert list(fake.workspace.webhooks) == [1]


async def test_the_variable_of_the_status_is_created(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    fake.workspace.variables.clear()
    assert (await (await bison.registration()).register()).created_variable == "meeting_status"
    assert fake.workspace.variables == ["meeting_status"]
