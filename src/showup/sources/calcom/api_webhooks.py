"""Webhooks as they stand at Cal.com: whose they are, how they are asked for, and what was found."""

from typing import Any, Final

from msgspec import Struct

from showup.sources.calcom.payload import Json, flag, identifier, integer, text, url


class WebhookScope(Struct, frozen=True, kw_only=True):
    """Whose bookings a webhook tells of: an event type's (with its team, if it has one), an organization's, or, with
    nothing given, those of the key's owner.
    """

    event_type_id: int | None = None
    team_id: int | None = None
    organization_id: int | None = None

    @property
    def path(self) -> str:
        """Where its webhooks stand, below the API's address."""
        if self.organization_id is not None:
            return f"/organizations/{self.organization_id}/webhooks"
        if self.event_type_id is None:
            return "/webhooks"
        team = "" if self.team_id is None else f"/teams/{self.team_id}"
        return f"{team}/event-types/{self.event_type_id}/webhooks"


USER: Final = WebhookScope()
"""The one whose key it is."""


class WebhookWanted(Struct, frozen=True, kw_only=True):
    """How a webhook shall stand. What is None is not said: it gets Cal.com's default, or stays as it is.

    `payload_template` empty takes a template away. `time` counts `time_unit` (MINUTE, HOUR, DAY) after the start, for
    the triggers of absence.
    """

    subscriber_url: str
    triggers: tuple[str, ...]
    active: bool = True
    secret: str | None = None
    payload_template: str | None = None
    version: str | None = None
    time: int | None = None
    time_unit: str | None = None

    def asked(self) -> dict[str, Any]:
        """As Cal.com wants it told."""
        said = {
            "subscriberUrl": self.subscriber_url,
            "triggers": list(self.triggers),
            "active": self.active,
            "secret": self.secret,
            "payloadTemplate": self.payload_template,
            "version": self.version,
            "time": self.time,
            "timeUnit": self.time_unit,
        }
        return {name: value for name, value in said.items() if value is not None}


class Webhook(Struct, frozen=True, kw_only=True):
    """A webhook that stands. `id` is a UUID, or a number at old instances; `secret` is told to its owner only."""

    id: str
    subscriber_url: str
    triggers: tuple[str, ...] = ()
    active: bool = True
    secret: str | None = None
    payload_template: str | None = None
    version: str | None = None
    time: int | None = None
    time_unit: str | None = None


def webhook(fields: Json) -> Webhook | None:
    """The webhook in an answer; None where it has no id or no address."""
    found, address = identifier(fields.get("id")), url(fields.get("subscriberUrl"))
    if found is None or address is None:
        return None
    listed = fields.get("triggers", fields.get("eventTriggers"))
    return Webhook(
        id=found,
        subscriber_url=address,
        triggers=tuple(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else (),
        active=flag(fields.get("active")) is not False,
        secret=text(fields.get("secret")),
        payload_template=text(fields.get("payloadTemplate")),
        version=text(fields.get("version")),
        time=integer(fields.get("time")),
        time_unit=text(fields.get("timeUnit")),
    )
