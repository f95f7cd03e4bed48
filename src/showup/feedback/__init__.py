"""What providers report about a mail after they accepted it: delivered, delayed, bounced, or reported as spam.

It takes feedback events; it writes the deliveries' status, and suppresses addresses that must not be mailed again.
"""
