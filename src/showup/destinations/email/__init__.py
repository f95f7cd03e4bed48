"""Mail to attendees: rendered from replaceable templates; sent by Resend or SMTP, or kept in the mail preview."""
