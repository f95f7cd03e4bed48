"""The webhook that Showup needs at Cal.com, and the faults of a registered one.

Triggers: the list of `POST /v2/webhooks` in Cal.com's OpenAPI, and those that its documentation added in 2026. An
instance that does not know the newer ones refuses the whole list, so Showup retries without them.
"""

from collections.abc import Collection, Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from showup.sources.calcom.api_webhooks import RegisteredWebhook, WebhookScope, WebhookSpec
from showup.values.counted import counted

_STANDARD_TRIGGERS: Final = (
    *("BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_REJECTED", "BOOKING_CANCELLED", "BOOKING_RESCHEDULED"),
    *("BOOKING_PAYMENT_INITIATED", "BOOKING_PAID", "BOOKING_NO_SHOW_UPDATED", "MEETING_STARTED", "MEETING_ENDED"),
    *("RECORDING_READY", "RECORDING_TRANSCRIPTION_GENERATED", "INSTANT_MEETING", "FORM_SUBMITTED"),
    *("FORM_SUBMITTED_NO_EVENT", "OOO_CREATED", "AFTER_HOSTS_CAL_VIDEO_NO_SHOW", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"),
)
NEWER_TRIGGERS: Final = (
    *("BOOKING_LOCATION_UPDATED", "BOOKING_REASSIGNED", "INSTANT_MEETING_ACCEPTED", "ROUTING_FORM_FALLBACK_HIT"),
    *("WRONG_ASSIGNMENT_REPORT", "CALENDAR_ENTRY_REJECTED"),
)
"""Triggers that instances older than 2026 do not know; reconciliation finds the same events."""
_ORGANIZATION_TRIGGERS: Final = ("DELEGATION_CREDENTIAL_ERROR",)
_ABSENCE_TRIGGERS: Final = {"AFTER_HOSTS_CAL_VIDEO_NO_SHOW", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"}
_ABSENT_AFTER_MINUTES: Final = 10


class WebhookStatus(Struct, frozen=True, kw_only=True):
    """Showup's registration at Cal.com: the webhook with its address, if there is one, and its faults, in sentences.

    `duplicates` are other webhooks with the same address: each of them sends every event once more.
    """

    webhook: RegisteredWebhook | None
    faults: tuple[str, ...]
    duplicates: tuple[RegisteredWebhook, ...] = ()


def build_webhook_spec(url: str, secret: str, scope: WebhookScope) -> WebhookSpec:
    """Returns the webhook that Showup needs: every trigger, no template, its address and its own secret."""
    triggers = (
        *_STANDARD_TRIGGERS,
        *NEWER_TRIGGERS,
        *(_ORGANIZATION_TRIGGERS if scope.organization_id is not None else ()),
    )
    return WebhookSpec(
        subscriber_url=url,
        triggers=triggers,
        secret=secret,
        payload_template="",
        time=_ABSENT_AFTER_MINUTES,
        time_unit="MINUTE",
    )


def without_newer_triggers(spec: WebhookSpec) -> WebhookSpec:
    """Returns the same webhook without the triggers that older instances do not know."""
    return replace(spec, triggers=tuple(one for one in spec.triggers if one not in NEWER_TRIGGERS))


def check_webhook(
    webhooks: Iterable[RegisteredWebhook], url: str, secrets: Collection[str], scope: WebhookScope
) -> WebhookStatus:
    """Compares the registered webhooks with the needed one; `secrets` are the account's active secrets."""
    matching = [one for one in webhooks if _normalized_url(one.subscriber_url) == _normalized_url(url)]
    if not matching:
        return WebhookStatus(webhook=None, faults=("Cal.com has no webhook with this address",))
    first = max(matching, key=lambda one: (one.active, len(one.triggers)))
    duplicates = tuple(one for one in matching if one.id != first.id)
    faults = _faults(first, set(build_webhook_spec(url, "", scope).triggers), secrets)
    if duplicates:
        others = counted(len(duplicates), "more webhook has", "more webhooks have")
        faults.append(f"{others} the same address, so every event arrives more than once")
    return WebhookStatus(webhook=first, faults=tuple(faults), duplicates=duplicates)


def _faults(webhook: RegisteredWebhook, required: set[str], secrets: Collection[str]) -> list[str]:
    faults = [] if webhook.active else ["it is disabled"]
    missing = required - set(webhook.triggers)
    if missing_required := sorted(missing - set(NEWER_TRIGGERS)):
        faults.append(f"it lacks the triggers {', '.join(missing_required)}")
    if webhook.payload_template:
        faults.append("it has a payload template, so Showup may not understand what it sends")
    if fault := _secret_fault(webhook.secret, secrets):
        faults.append(fault)
    if webhook.time is None and _ABSENCE_TRIGGERS & set(webhook.triggers):
        faults.append("it has no delay for the no-show triggers")
    return faults


def _secret_fault(secret: str | None, accepted: Collection[str]) -> str | None:
    if not accepted:
        return "the account has no webhook secret in Showup, so Showup refuses its webhooks"
    if secret is None:
        return "Cal.com does not return its secret, or it has none"
    return (
        None
        if secret in accepted
        else "its secret is not one of the account's secrets in Showup, so Showup refuses its webhooks"
    )


def _normalized_url(url: str) -> str:
    return url.strip().rstrip("/").lower()
