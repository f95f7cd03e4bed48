"""The routers of all pages of settings."""

from typing import Final

from showup.web.dashboard.settings import (
    accounts_page,
    assistant_page,
    changes_page,
    keys_page,
    rule_pages,
    sample_page,
    senders_page,
    teammates_page,
    templates_page,
    webhooks_page,
    workspaces_page,
    you_page,
)

SETTINGS_ROUTERS: Final = (
    you_page.router,
    teammates_page.router,
    workspaces_page.router,
    accounts_page.router,
    senders_page.router,
    rule_pages.router,
    templates_page.router,
    sample_page.router,
    assistant_page.router,
    keys_page.router,
    webhooks_page.router,
    changes_page.router,
)
