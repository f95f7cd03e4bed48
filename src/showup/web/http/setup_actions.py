"""What the first run does beyond the database: it calls Cal.com and loads the sample. The container provides it."""

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


class SetupActions(Struct, frozen=True, kw_only=True):
    """`connect_calcom(account, api_key)` stores the key and registers the webhook.

    `create_secret(account, actor)` returns a new webhook secret; None: the environment sets it. `warn_of_address` says
    why Cal.com can't reach a webhook address. `load_sample` and `remove_sample` take a workspace; `count_simulated` and
    `remove_simulated` take a workspace and `sample` or `simulation`, and say how many records of each kind these are or
    were. `carrier` sends the
    default workspace's mail by the environment; None: the preview. `environment_secret`: the environment sets the
    webhook secret of the default account.
    """

    connect_calcom: Callable[[str, str], Awaitable[CalcomConnected]]
    create_secret: Callable[[str, str], Awaitable[str | None]]
    warn_of_address: Callable[[str], str | None]
    load_sample: Callable[[UUID], Awaitable[object]]
    remove_sample: Callable[[UUID], Awaitable[object]]
    count_simulated: Callable[[UUID, SimulatedKind], Awaitable[Mapping[str, int]]]
    remove_simulated: Callable[[UUID, SimulatedKind], Awaitable[Mapping[str, int]]]
    carrier: str | None
    environment_secret: bool
