"""Daily and weekly summaries of a workspace, for the destinations that subscribe to them."""
