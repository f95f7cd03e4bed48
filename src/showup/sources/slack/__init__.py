"""What people press in Slack: its signature, and the answer to a question that a press is."""
