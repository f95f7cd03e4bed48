"""The REST API, one file per resource; routes query `reads` or execute commands and return JSON."""
