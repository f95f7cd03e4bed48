"""Webhooks registered at Cal.com: their scope, the request to create one, and the result."""

from typing import Any, Final

from msgspec import Struct

from showup.sources.calcom.payload import Json, flag, identifier, integer, text, url


class WebhookScope(Struct, frozen=True, kw_only=True):
    """The scope of a webhook: the bookings that it reports.

    Those of an event type (with its team, if it has one), of an organization, or, without either, of the key's owner.
    """

    event_type_id: int | None = None
    team_id: int | None = None
    organization_id: int | None = None

    @property
    def path(self) -> str:
        """Returns the path of its webhooks, below the API's address."""
        if self.organization_id is not None:
            return f"/organizations/{self.organization_id}/webhooks"
        if self.event_type_id is None:
            return "/webhooks"
        team = "" if self.team_id is None else f"/teams/{self.team_id}"
        return f"{team}/event-types/{self.event_type_id}/webhooks"


USER_SCOPE: Final = WebhookScope()
"""The key's owner."""


class WebhookSpec(Struct, frozen=True, kw_only=True):
    """The wanted values of a webhook. A None is not sent: Cal.com uses its default, or keeps the present value.

    An empty `payload_template` removes the template. `time` counts `time_unit` (MINUTE, HOUR, DAY) after the start, for
    the no-show triggers.
    """

    subscriber_url: str
    triggers: tuple[str, ...]
    active: bool = True
    secret: str | None = None
    payload_template: str | None = None
    version: str | None = None
    time: int | None = None
    time_unit: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the request body for Cal.com."""
        fields = {
            "subscriberUrl": self.subscriber_url,
            "triggers": list(self.triggers),
            "active": self.active,
            "secret": self.secret,
            "payloadTemplate": self.payload_template,
            "version": self.version,
            "time": self.time,
            "timeUnit": self.time_unit,
        }
        return {name: value for name, value in fields.items() if value is not None}


class RegisteredWebhook(Struct, frozen=True, kw_only=True):
    """A registered webhook. `id` is a UUID, or a number at old instances; only its owner receives `secret`."""

    id: str
    subscriber_url: str
    triggers: tuple[str, ...] = ()
    active: bool = True
    secret: str | None = None
    payload_template: str | None = None
    version: str | None = None
    time: int | None = None
    time_unit: str | None = None


def parse_webhook(fields: Json) -> RegisteredWebhook | None:
    """Returns the webhook in a response; None if it has no id or no address."""
    webhook_id, address = identifier(fields.get("id")), url(fields.get("subscriberUrl"))
    if webhook_id is None or address is None:
        return None
    listed = fields.get("triggers", fields.get("eventTriggers"))
    return RegisteredWebhook(
        id=webhook_id,
        subscriber_url=address,
        triggers=tuple(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else (),
        active=flag(fields.get("active")) is not False,
        secret=text(fields.get("secret")),
        payload_template=text(fields.get("payloadTemplate")),
        version=text(fields.get("version")),
        time=integer(fields.get("time")),
        time_unit=text(fields.get("timeUnit")),
    )
