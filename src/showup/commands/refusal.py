"""How a command fails: with one sentence that says what to do, and no traceback."""


class Refused(Exception):
    """What was asked for can't be done; the text says why and what to do."""


def sentence_of(fault: BaseException) -> str | None:
    """What to tell about an expected fault; None for a bug, whose traceback is wanted."""
    # Imported when something went wrong: `showup --help` needs none of it.
    from showup.access.keys_store import KeyNameTaken
    from showup.access.secrets_at_rest import Unsealable
    from showup.database.address import AddressError
    from showup.database.embedded.errors import EmbeddedError
    from showup.database.engine import DatabaseAway
    from showup.database.migrate import DatabaseNewer
    from showup.destinations.contract import CannotRender
    from showup.settings import SettingsError

    expected = (
        Refused,
        SettingsError,
        EmbeddedError,
        DatabaseAway,
        DatabaseNewer,
        AddressError,
        Unsealable,
        KeyNameTaken,
        CannotRender,
    )
    return str(fault) if isinstance(fault, expected) else None
