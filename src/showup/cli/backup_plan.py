"""What the settings say about backups: for the command, and for the worker that makes scheduled ones."""

from importlib.metadata import version

from showup.backup.create import BackupPlan
from showup.backup.schedule import Schedule, ScheduledBackups
from showup.container import Container, ProcessConfig
from showup.dispatch.worker import PeriodicTask
from showup.settings import reveal


def backup_plan(container: Container, config: ProcessConfig) -> BackupPlan:
    """Returns what a backup is made of. It has the key of stored credentials only if Showup keeps that key itself."""
    settings = container.settings
    keeps_key = settings.database_url is None and settings.secret_key is None
    return BackupPlan(
        url=config.direct_url,
        key=config.secret_keys if keeps_key else None,
        passphrase=reveal(settings.backup_passphrase),
        version=version("showup"),
    )


def backup_tasks(container: Container, config: ProcessConfig) -> list[PeriodicTask]:
    """Returns the task that makes scheduled backups; none if showup.toml has no folder for them."""
    policy = container.settings.policy.backup
    if policy.folder is None:
        return []
    schedule = Schedule(folder=policy.folder, every=policy.every, keep=policy.keep)
    backups = ScheduledBackups(container.engine, container.clock, schedule, backup_plan(container, config))
    return [PeriodicTask(name="backup", cron="* * * * *", run=backups.run_due)]
