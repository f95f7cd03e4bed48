"""What our webhook at Cal.com must be, and what one that stands there lacks (RU4)."""

import pytest
from msgspec.structs import replace

from showup.sources.calcom.api_webhooks import USER, Webhook, WebhookScope
from showup.sources.calcom.registration import NEWER, for_older, standing, wanted

URL = "https://showup.example.com/webhooks/calcom/default"
SECRET = "a secret of the account"


def well(**changes: object) -> Webhook:
    """One that lacks nothing."""
    needed = wanted(URL, SECRET, USER)
    stands = Webhook(
        id="7",
        subscriber_url=URL,
        triggers=needed.triggers,
        secret=SECRET,
        time=needed.time,
        time_unit=needed.time_unit,
    )
    return replace(stands, **changes)


def test_all_triggers_are_wanted_without_a_template_and_with_the_time_that_absence_needs() -> None:
    asked = wanted(URL, SECRET, USER).asked()
    assert len(set(asked["triggers"])) == len(asked["triggers"]) == 24
    assert {"MEETING_ENDED", "BOOKING_REASSIGNED", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"} <= set(asked["triggers"])
    assert not [one for one in asked["triggers"] if one.startswith("DELEGATION")]
    assert (asked["payloadTemplate"], asked["timeUnit"], asked["active"]) == ("", "MINUTE", True)
    assert asked["time"] > 0


def test_an_organization_tells_of_its_own_set_up_too() -> None:
    asked = wanted(URL, SECRET, WebhookScope(organization_id=3)).triggers
    assert "DELEGATION_CREDENTIAL_ERROR" in asked


def test_an_older_instance_is_asked_for_what_it_knows() -> None:
    older = for_older(wanted(URL, SECRET, USER)).triggers
    assert not set(NEWER) & set(older)
    assert {"BOOKING_CREATED", "MEETING_ENDED"} <= set(older)


def test_one_that_lacks_nothing_has_no_faults() -> None:
    stands = standing([well()], URL, [SECRET], USER)
    assert (stands.webhook, stands.faults, stands.others) == (well(), (), ())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"active": False}, "switched off"),
        ({"triggers": ("BOOKING_CREATED",)}, "MEETING_ENDED"),
        ({"payload_template": "{{uid}}"}, "template"),
        ({"secret": "somebody else's"}, "none of the account's"),
        ({"secret": None}, "does not say its secret"),
        ({"time": None}, "delay"),
    ],
)
def test_each_lack_is_named(changes: dict[str, object], says: str) -> None:
    (fault,) = standing([well(**changes)], URL, [SECRET], USER).faults
    assert says in fault


def test_what_an_older_instance_can_not_tell_is_no_fault() -> None:
    known = tuple(one for one in well().triggers if one not in NEWER)
    assert standing([well(triggers=known)], URL, [SECRET], USER).faults == ()


def test_an_account_without_a_secret_here_takes_nothing() -> None:
    assert "no secret here" in standing([well()], URL, [], USER).faults[0]


def test_a_webhook_that_leads_elsewhere_is_not_ours() -> None:
    stands = standing([well(subscriber_url="https://other.example.com/hook")], URL, [SECRET], USER)
    assert (stands.webhook, stands.faults) == (None, ("no webhook leads here",))


def test_of_two_that_lead_here_the_live_one_is_ours_and_the_other_is_named() -> None:
    dead = well(id="1", active=False, subscriber_url=f"{URL}/")
    stands = standing([dead, well()], URL, [SECRET], USER)
    assert stands.webhook == well()
    assert stands.others == (dead,)
    assert "1 more webhook" in stands.faults[0]
