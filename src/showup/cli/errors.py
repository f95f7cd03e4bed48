"""Reports a failed command in one sentence that says what to do, without a traceback."""


class CliError(Exception):
    """Raised when a command can't do what was asked; the text says why and what to do."""


def expected_message(fault: BaseException) -> str | None:
    """Returns the message for an expected fault; None for a bug, whose traceback is wanted."""
    # Imported only after an error: `showup --help` needs none of it.
    from showup.access.keys_store import KeyNameTaken
    from showup.access.secrets_at_rest import DecryptionError
    from showup.database.address import AddressError
    from showup.database.embedded.errors import EmbeddedError
    from showup.database.engine import DatabaseUnavailable
    from showup.database.migrate import DatabaseChanged, DatabaseNewer
    from showup.destinations.contract import CannotRender
    from showup.settings import SettingsError

    expected = (
        CliError,
        SettingsError,
        EmbeddedError,
        DatabaseUnavailable,
        DatabaseNewer,
        DatabaseChanged,
        AddressError,
        DecryptionError,
        KeyNameTaken,
        CannotRender,
    )
    return str(fault) if isinstance(fault, expected) else None
