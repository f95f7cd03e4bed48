"""Loads the settings and checks those of the destinations too, so that all faults are reported at once."""

from showup.settings import Settings, SettingsError, load


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
    from showup.container import mail_faults
    from showup.sync_settings import environment_connections

    faults = mail_faults(settings)
    for connection in environment_connections(settings):
        try:
            check(connection)
        except ValueError as fault:
            faults.append(f"{fault}.")
    return faults
