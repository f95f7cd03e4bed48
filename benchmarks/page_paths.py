"""The pages that B8 asks for: by name, a path with the ids of real records. A new page belongs here."""

from typing import Final

import asyncpg

from benchmarks.read_data import NOW

PAGES: Final = {
    "Today": "/?who=team",
    "Today, own meetings": "/?who=mine",
    "Today, part": "/parts/today?who=team",
    "Meetings without a report": "/outcomes?who=team",
    "Outcome": "/outcome/{booking}",
    "Booking": "/bookings/{booking}",
    "Deal": "/deals/{deal}",
    "Person": "/people/{person}",
    "Company": "/companies/{company}",
    "Pipeline": "/pipeline",
    "Pipeline, part": "/parts/pipeline",
    "Pipeline, one owner": "/pipeline?owner=host1@outbound.example",
    "Pipeline, one campaign": "/pipeline?campaign={campaign}",
    "Pipeline, no next meeting": "/pipeline?next=none",
    "Deals": "/deals",
    "Deals, active by next meeting": "/deals?status=active&sort=next_meeting",
    "Deals, no next meeting": "/deals?status=active&meeting=none",
    "Deals by amount": "/deals?sort=-amount",
    "Deals, active by amount": "/deals?status=active&sort=-amount",
    "Deals by update": "/deals?sort=-updated_at",
    "Deals, active by update": "/deals?status=active&sort=-updated_at",
    "Deals, one owner": "/deals?status=active&owner=host1@outbound.example&sort=next_meeting",
    "Deals, searched": "/deals?q=company1234",
    "Deals, a common word": "/deals?q=company",
    "Deals, a common word by next meeting": "/deals?status=active&sort=next_meeting&q=company",
    "Bookings": "/bookings",
    "Bookings, unreported": "/bookings?attended=null&ahead=no",
    "Bookings, one campaign": "/bookings?campaign_id={campaign}",
    "Bookings, searched": "/bookings?q=number1234",
    "Bookings, a common word": "/bookings?q=intro",
    "Bookings, a common name": "/bookings?q=number",
    "Bookings, some of them": "/bookings?q=number12",
    "People": "/people",
    "People by update": "/people?sort=-updated_at",
    "People, searched": "/people?q=number1234",
    "People, a common word": "/people?q=person",
    "Companies": "/companies",
    "Companies by update": "/companies?sort=-updated_at",
    "Companies by name": "/companies?sort=name",
    "Companies, searched": "/companies?q=company1234",
    "Companies, a common word": "/companies?q=company",
    "Funnel": "/funnel",
    "Funnel of all time": "/funnel?period=all",
    "Funnel of one campaign": "/funnel?campaign_id={campaign}",
    "Funnel, no campaign": "/funnel?source=unknown",
    "Funnel of all time, no campaign": "/funnel?source=unknown&period=all",
    "Funnel of all time, one source": "/funnel?source=csv&period=all",
    "Analysis": "/analysis",
    "Unmatched": "/unmatched",
    "Unmatched, one pair": "/unmatched/{unmatched}",
    "Find, a common word": "/search?q=pe",
    "Find, a rare word": "/search?q=person1234",
    "Find, nothing": "/search?q=zebra",
    "Leads": "/leads",
    "Answers": "/answers",
    "Answers of one source": "/answers?source=csv",
    "Leads of one source": "/leads?source=csv",
    "Leads, no campaign": "/leads?source=unknown",
    "Import leads": "/leads/import",
    "Answers of one campaign": "/answers?campaign_id={campaign}",
    "Leads of one campaign": "/leads?campaign_id={campaign}",
    "Deliveries": "/deliveries",
    "Events": "/events",
    "Connections": "/connections",
    "Rules": "/settings/rules",
    "Templates": "/settings/templates",
    "New proposal": "/proposal/{booking}",
    "Assistant": "/assistant",
    "Teammates": "/settings/teammates",
    "First run": "/setup",
}
LIGHTHOUSE_PAGES: Final = (
    *("Today", "Outcome", "Booking", "Deal", "Person", "Company", "Pipeline", "Deals", "Bookings", "People"),
    *("Companies", "Funnel", "Analysis", "Unmatched"),
)
"""The pages that a browser opens: one of each kind."""

_IDS: Final = """
    SELECT b.id AS booking, b.deal_id AS deal, b.person_id AS person, b.company_id AS company,
           m.campaign_id AS campaign,
           (SELECT u.id FROM unmatched_bookings u WHERE u.workspace_id = b.workspace_id AND u.start_time < $1
            ORDER BY u.start_time DESC LIMIT 1) AS unmatched
    FROM bookings b JOIN matches m ON m.booking_id = b.id JOIN deals d ON d.id = b.deal_id AND d.status = 'active'
    WHERE b.status = 'ACCEPTED' AND b.start_time < $1 AND EXISTS (
        SELECT 1 FROM bookings again WHERE again.person_id = b.person_id AND again.id <> b.id)
    ORDER BY b.start_time DESC LIMIT 1
"""


async def page_paths(url: str) -> dict[str, str]:
    """Returns the path of each page, with records that the database has."""
    driver = await asyncpg.connect(url)
    try:
        ids = dict(await driver.fetchrow(_IDS, NOW))
    finally:
        await driver.close()
    return {page: path.format(**ids) for page, path in PAGES.items()}
