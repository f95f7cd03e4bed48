"""The endpoints of signed webhooks, one file for each sender; Cal.com's also has its own protocol and responses."""
