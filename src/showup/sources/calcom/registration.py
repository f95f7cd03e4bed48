"""The webhook that Showup needs at Cal.com, and what one that stands there lacks.

Triggers: the list of `POST /v2/webhooks` in Cal.com's OpenAPI, and those that its documentation added in 2026. An
instance that does not know the newer ones refuses the whole list, so it is asked again without them.
"""

from collections.abc import Collection, Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from showup.sources.calcom.api_webhooks import Webhook, WebhookScope, WebhookWanted

_EVERYWHERE: Final = (
    *("BOOKING_CREATED", "BOOKING_REQUESTED", "BOOKING_REJECTED", "BOOKING_CANCELLED", "BOOKING_RESCHEDULED"),
    *("BOOKING_PAYMENT_INITIATED", "BOOKING_PAID", "BOOKING_NO_SHOW_UPDATED", "MEETING_STARTED", "MEETING_ENDED"),
    *("RECORDING_READY", "RECORDING_TRANSCRIPTION_GENERATED", "INSTANT_MEETING", "FORM_SUBMITTED"),
    *("FORM_SUBMITTED_NO_EVENT", "OOO_CREATED", "AFTER_HOSTS_CAL_VIDEO_NO_SHOW", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"),
)
NEWER: Final = (
    *("BOOKING_LOCATION_UPDATED", "BOOKING_REASSIGNED", "INSTANT_MEETING_ACCEPTED", "ROUTING_FORM_FALLBACK_HIT"),
    *("WRONG_ASSIGNMENT_REPORT", "CALENDAR_ENTRY_REJECTED"),
)
"""Triggers that instances of before 2026 do not know; what they tell, reconciliation finds as well."""
_OF_ORGANIZATIONS: Final = ("DELEGATION_CREDENTIAL_ERROR",)
_ABSENCE: Final = {"AFTER_HOSTS_CAL_VIDEO_NO_SHOW", "AFTER_GUESTS_CAL_VIDEO_NO_SHOW"}
_ABSENT_AFTER_MINUTES: Final = 10


class Standing(Struct, frozen=True, kw_only=True):
    """What is at Cal.com of ours: the webhook of our address, if there is one, and what is wrong, in sentences.

    `others` are further webhooks that lead to the same account of ours: each of them sends everything once more.
    """

    webhook: Webhook | None
    faults: tuple[str, ...]
    others: tuple[Webhook, ...] = ()


def wanted(url: str, secret: str, of: WebhookScope) -> WebhookWanted:
    """The webhook that Showup needs: every trigger, no template, our address and a secret of our own."""
    triggers = (*_EVERYWHERE, *NEWER, *(_OF_ORGANIZATIONS if of.organization_id is not None else ()))
    return WebhookWanted(
        subscriber_url=url,
        triggers=triggers,
        secret=secret,
        payload_template="",
        time=_ABSENT_AFTER_MINUTES,
        time_unit="MINUTE",
    )


def for_older(needed: WebhookWanted) -> WebhookWanted:
    """The same without the triggers that older instances do not know."""
    return replace(needed, triggers=tuple(one for one in needed.triggers if one not in NEWER))


def standing(found: Iterable[Webhook], url: str, secrets: Collection[str], of: WebhookScope) -> Standing:
    """How what was found compares with what is needed; `secrets` are those that the account takes at this moment."""
    same = [one for one in found if _place(one.subscriber_url) == _place(url)]
    if not same:
        return Standing(webhook=None, faults=("no webhook leads here",))
    first = max(same, key=lambda one: (one.active, len(one.triggers)))
    others = tuple(one for one in same if one.id != first.id)
    faults = _faults(first, set(wanted(url, "", of).triggers), secrets)
    if others:
        faults.append(f"{len(others)} more webhook(s) lead to the same address, so everything comes more than once")
    return Standing(webhook=first, faults=tuple(faults), others=others)


def _faults(webhook: Webhook, needed: set[str], secrets: Collection[str]) -> list[str]:
    faults = [] if webhook.active else ["it is switched off"]
    missing = needed - set(webhook.triggers)
    if must := sorted(missing - set(NEWER)):
        faults.append(f"it does not tell of {', '.join(must)}")
    if webhook.payload_template:
        faults.append("it has a payload template, so Showup may not understand what it sends")
    if fault := _fault_of_secret(webhook.secret, secrets):
        faults.append(fault)
    if webhook.time is None and _ABSENCE & set(webhook.triggers):
        faults.append("it has no delay for the triggers of absence")
    return faults


def _fault_of_secret(secret: str | None, taken: Collection[str]) -> str | None:
    if not taken:
        return "the account has no secret here, so nothing from it is taken"
    if secret is None:
        return "Cal.com does not say its secret, or it has none"
    return None if secret in taken else "its secret is none of the account's here, so what it sends is refused"


def _place(url: str) -> str:
    return url.strip().rstrip("/").lower()
