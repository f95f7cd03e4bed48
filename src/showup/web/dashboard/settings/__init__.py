"""`/settings`: what a workspace's admins set. The pages call the commands and reads of the API and the CLI."""
