"""The lists of deals, bookings, people and companies: search, filters, order, pages, saved views and CSV."""
