"""The two databases, as the settings name them."""

from showup.destinations.notion.data_sources import Place
from showup.destinations.notion.settings import NotionSettings


def contacts_of(settings: NotionSettings) -> Place:
    """Where the contacts are."""
    return Place(
        what="the contact database",
        database=settings.contacts_database,
        data_source=settings.contacts_data_source,
        database_setting="contacts_database",
        data_source_setting="contacts_data_source",
    )


def sequences_of(settings: NotionSettings) -> Place:
    """Where the email sequences are."""
    return Place(
        what="the email sequence database",
        database=settings.sequences_database,
        data_source=settings.sequences_data_source,
        database_setting="sequences_database",
        data_source_setting="sequences_data_source",
    )
