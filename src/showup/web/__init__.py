"""The door for people and programs: webhooks come in here, the API and the pages go out."""
