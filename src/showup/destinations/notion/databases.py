"""The two databases that the settings name."""

from showup.destinations.notion.data_sources import DatabaseReference
from showup.destinations.notion.settings import NotionSettings


def contact_database(settings: NotionSettings) -> DatabaseReference:
    """Returns the contact database."""
    return DatabaseReference(
        label="the contact database",
        database=settings.contacts_database,
        data_source=settings.contacts_data_source,
        database_setting="contacts_database",
        data_source_setting="contacts_data_source",
    )


def sequence_database(settings: NotionSettings) -> DatabaseReference:
    """Returns the database of email sequences."""
    return DatabaseReference(
        label="the email sequence database",
        database=settings.sequences_database,
        data_source=settings.sequences_data_source,
        database_setting="sequences_database",
        data_source_setting="sequences_data_source",
    )
