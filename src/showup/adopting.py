"""What settings ask for, made to stand in the database: rules out of showup.toml, connections out of the environment.

Only `showup serve` does so: a command that is called from another folder has another showup.toml, or none, and whoever
only works takes what it finds.
"""

from typing import TYPE_CHECKING, Any

from showup.access import workspaces_store
from showup.access.secrets_at_rest import Seal
from showup.assembly import Ground
from showup.clock import system_clock
from showup.database.engine import connect, raw, transaction
from showup.settings import Settings, plain

if TYPE_CHECKING:
    from showup.deliveries.given import Given
    from showup.pipeline.rules import Rules


async def adopt_policy(ground: Ground, settings: Settings) -> None:
    """Makes what is new in showup.toml the rules of every workspace."""
    from showup.inbox.adopt import adopt

    engine = connect(ground.direct_url, pool_size=1)
    try:
        async with transaction(engine) as tx:
            found = await workspaces_store.list_workspaces(tx)
        for workspace in found:
            async with transaction(engine) as tx:
                await adopt(await raw(tx), workspace.id, rules_of(settings), system_clock())
    finally:
        await engine.dispose()


async def adopt_connections(ground: Ground, settings: Settings) -> None:
    """Makes the environment's connections those of the default workspace."""
    from showup.deliveries.given import adopt_connection

    engine, seal = connect(ground.direct_url, pool_size=1), Seal.of(ground.secret_keys)
    try:
        for one in given_connections(settings):
            async with transaction(engine) as tx:
                await adopt_connection(tx, seal, one, system_clock())
    finally:
        await engine.dispose()


def given_connections(settings: Settings) -> "list[Given]":
    """What the environment and showup.toml say of each kind that can be told, whether it is enough or not."""
    from showup.deliveries.given import Given

    policy = settings.policy
    said: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, str | None]]] = {
        "clickup": (
            policy.clickup,
            {"api_url": settings.clickup_api_url},
            {"token": plain(settings.clickup_api_token)},
        ),
        "notion": (
            policy.notion,
            {
                "api_url": settings.notion_api_url,
                "contacts_database": settings.notion_contacts_database,
                "sequences_database": settings.notion_sequences_database,
            },
            {"token": plain(settings.notion_token)},
        ),
        "slack": (
            policy.slack,
            {"api_url": settings.slack_api_url},
            {"bot_token": plain(settings.slack_bot_token), "signing_secret": plain(settings.slack_signing_secret)},
        ),
        "twilio": (
            policy.twilio,
            {
                "api_url": settings.twilio_api_url,
                "account_sid": settings.twilio_account_sid,
                "sender": settings.twilio_from,
            },
            {"auth_token": plain(settings.twilio_auth_token)},
        ),
    }
    return [
        Given(
            kind=kind,
            settings=table | {name: value for name, value in variables.items() if value is not None},
            credentials=credentials,
        )
        for kind, (table, variables, credentials) in said.items()
    ]


def rules_of(settings: Settings) -> "Rules":
    """The rules that showup.toml and TESTING_MODE ask for."""
    from showup.pipeline.rules import Rules

    policy, follow_up = settings.policy.pipeline, settings.policy.no_show_follow_up
    return Rules(
        cancel_deal=policy.cancel_deal,
        meeting_ended=policy.meeting_ended,
        stages=policy.stages,
        personal_domains=policy.personal_domains,
        business_domains=policy.business_domains,
        team_domains=policy.team_domains,
        team_emails=policy.team_emails,
        fresh_for=policy.fresh_for,
        remind_before=settings.reminders_before,
        tell_guests=settings.policy.email.guests,
        follow_up=follow_up.enabled,
        follow_up_after=follow_up.after,
        follow_up_expires_after=follow_up.expires_after,
        follow_up_quiet_hours=follow_up.quiet_hours,
        follow_up_at_most_every=follow_up.at_most_every,
        follow_up_rebook_url=follow_up.rebook_url,
    )
