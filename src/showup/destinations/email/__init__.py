"""Mail to attendees: rendered from templates that a user may replace, sent by Resend or SMTP, or kept in the outbox."""
