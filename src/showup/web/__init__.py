"""The HTTP interface: webhook endpoints, the REST API and the pages."""
