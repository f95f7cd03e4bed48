"""What the first run and the page Connections do beyond the database: they call other systems, and load the sample.

The container provides it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

SimulatedKind: TypeAlias = Literal["sample", "simulation"]


class CalcomConnected(Struct, frozen=True, kw_only=True):
    """The result of an API key: `fault` says why it is of no use, `warning` why Cal.com sends no webhooks yet."""

    user: str | None = None
    triggers: int = 0
    fault: str | None = None
    warning: str | None = None


class WebhookConnected(Struct, frozen=True, kw_only=True):
    """The result of setting the webhook at Cal.com: `fault` says why there is none now.

    `created` is False where an existing one was repaired; `triggers` says how many it has.
    """

    created: bool = False
    triggers: int = 0
    fault: str | None = None


class MailTest(Struct, frozen=True, kw_only=True):
    """The result of a test mail: `because` says why it was not sent."""

    sender: str | None = None
    provider: str | None = None
    because: str | None = None


class SetupActions(Struct, frozen=True, kw_only=True):
    """`connect_calcom(account, api_key)` stores the key and registers the webhook.

    `register_webhook(account)` does so with the stored key, and `check_webhook(account)` asks Cal.com about it and
    returns its faults. `send_test_mail(workspace, address)` really sends one. These three return in time, whatever the
    other system does. `create_secret(account, actor)` returns a new webhook secret; None if the environment sets it.
    `warn_of_address` says why Cal.com can't reach a webhook address. `load_sample` takes a workspace; `count_simulated`
    and `remove_simulated` take a workspace and `sample` or `simulation`, and say how many records of each kind these
    are or were. `carrier` sends the default workspace's mail by the environment; None: the preview.
    `environment_secret`: the environment sets the webhook secret of the default account.
    """

    connect_calcom: Callable[[str, str], Awaitable[CalcomConnected]]
    register_webhook: Callable[[str], Awaitable[WebhookConnected]]
    check_webhook: Callable[[str], Awaitable[list[str]]]
    send_test_mail: Callable[[UUID, str], Awaitable[MailTest]]
    create_secret: Callable[[str, str], Awaitable[str | None]]
    warn_of_address: Callable[[str], str | None]
    load_sample: Callable[[UUID], Awaitable[object]]
    count_simulated: Callable[[UUID, SimulatedKind], Awaitable[Mapping[str, int]]]
    remove_simulated: Callable[[UUID, SimulatedKind], Awaitable[Mapping[str, int]]]
    carrier: str | None
    environment_secret: bool
