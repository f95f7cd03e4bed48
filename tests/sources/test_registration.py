"""The webhook that Showup needs at Cal.com, and the faults of an existing one (RU4)."""

import pytest
from msgspec.structs import replace

from showup.sources.calcom.api_webhooks import USER_SCOPE, RegisteredWebhook, WebhookScope
from showup.sources.calcom.registration import NEWER_TRIGGERS, build_webhook_spec, check_webhook, without_newer_triggers

URL = "https://showup.example.com/webhooks/calcom/default"
SECRET = "a secret of the account"


def complete_webhook(**changes: object) -> RegisteredWebhook:
    """Returns a webhook without faults."""
    spec = build_webhook_spec(URL, SECRET, USER_SCOPE)
    registered = RegisteredWebhook(
        id="7",
        subscriber_url=URL,
        triggers=spec.triggers,
        secret=SECRET,
        time=spec.time,
        time_unit=spec.time_unit,
    )
    return replace(registered, **changes)


def test_the_spec_has_all_triggers_no_template_and_an_absence_delay() -> None:
    spec = build_webhook_spec(URL, SECRET, USER_SCOPE).to_json()
    assert len(set(spec["triggers"])) == len(spec["triggers"]) == 24
    assert {"MEETING_ENDED", "BOOKING_REASSIGNED", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"} <= set(spec["triggers"])
    assert not [one for one in spec["triggers"] if one.startswith("DELEGATION")]
    assert (spec["payloadTemplate"], spec["timeUnit"], spec["active"]) == ("", "MINUTE", True)
    assert spec["time"] > 0


def test_an_organization_adds_its_own_triggers() -> None:
    spec = build_webhook_spec(URL, SECRET, WebhookScope(organization_id=3)).triggers
    assert "DELEGATION_CREDENTIAL_ERROR" in spec


def test_an_older_instance_omits_newer_triggers() -> None:
    older = without_newer_triggers(build_webhook_spec(URL, SECRET, USER_SCOPE)).triggers
    assert not set(NEWER_TRIGGERS) & set(older)
    assert {"BOOKING_CREATED", "MEETING_ENDED"} <= set(older)


def test_a_complete_webhook_has_no_faults() -> None:
    status = check_webhook([complete_webhook()], URL, [SECRET], USER_SCOPE)
    assert (status.webhook, status.faults, status.duplicates) == (complete_webhook(), (), ())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"active": False}, "disabled"),
        ({"triggers": ("BOOKING_CREATED",)}, "MEETING_ENDED"),
        ({"payload_template": "{{uid}}"}, "template"),
        ({"secret": "another account's"}, "not one of the account's"),
        ({"secret": None}, "does not return its secret"),
        ({"time": None}, "delay"),
    ],
)
def test_each_fault_is_named(changes: dict[str, object], says: str) -> None:
    (fault,) = check_webhook([complete_webhook(**changes)], URL, [SECRET], USER_SCOPE).faults
    assert says in fault


def test_missing_newer_triggers_are_no_fault() -> None:
    known_triggers = tuple(one for one in complete_webhook().triggers if one not in NEWER_TRIGGERS)
    assert check_webhook([complete_webhook(triggers=known_triggers)], URL, [SECRET], USER_SCOPE).faults == ()


def test_an_account_without_a_secret_is_a_fault() -> None:
    assert "no webhook secret in Showup" in check_webhook([complete_webhook()], URL, [], USER_SCOPE).faults[0]


def test_a_webhook_with_another_url_is_ignored() -> None:
    status = check_webhook(
        [complete_webhook(subscriber_url="https://other.example.com/hook")], URL, [SECRET], USER_SCOPE
    )
    assert (status.webhook, status.faults) == (None, ("Cal.com has no webhook with this address",))


def test_the_active_duplicate_is_used_and_the_other_listed() -> None:
    inactive = complete_webhook(id="1", active=False, subscriber_url=f"{URL}/")
    status = check_webhook([inactive, complete_webhook()], URL, [SECRET], USER_SCOPE)
    assert status.webhook == complete_webhook()
    assert status.duplicates == (inactive,)
    assert "1 more webhook" in status.faults[0]
