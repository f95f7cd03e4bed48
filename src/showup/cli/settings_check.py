"""Loads the settings and checks those of the destinations too, so that all faults are reported at once."""

from showup.settings import Settings, SettingsError, load, reveal


def load_checked() -> Settings:
    """Returns this process's settings. Raises SettingsError with each fault, those of the destinations included."""
    try:
        settings, faults = load(), []
    except SettingsError as error:
        if error.usable is None:
            raise
        settings, faults = error.usable, error.faults
    faults = [*faults, *destination_faults(settings)]
    if faults:
        raise SettingsError(faults)
    return settings


def destination_faults(settings: Settings) -> list[str]:
    """Returns a sentence for each reason why no mail could be sent, or a destination never reached."""
    from showup.connections.environment import check
    from showup.sync_settings import environment_connections

    faults = _mail_faults(settings)
    for connection in environment_connections(settings):
        try:
            check(connection)
        except ValueError as fault:
            faults.append(f"{fault}.")
    return faults


def _mail_faults(settings: Settings) -> list[str]:
    """Returns a sentence for each mail setting with which no mail could be sent."""
    from showup.destinations.contract import CannotRender
    from showup.destinations.email.settings import SmtpServer, check_folder

    faults = []
    try:
        check_folder(settings.policy.email.templates)
    except CannotRender as fault:
        faults.append(str(fault))
    try:
        if (url := reveal(settings.smtp_url)) is not None:
            SmtpServer.from_url(url)
    except ValueError as fault:
        faults.append(f"SMTP_URL: {fault}.")
    return faults
