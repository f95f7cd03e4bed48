"""What all HTTP routes share: authentication, problems, pages of lists, request bodies, transactions, idempotency."""
