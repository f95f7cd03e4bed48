"""Resend's signed webhooks about sent mails, and their meaning for a delivery."""
