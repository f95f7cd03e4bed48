"""Operations: deliveries, the mail preview, events and connections. What broke, why, and what to do."""
