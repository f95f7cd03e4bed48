"""The PostgreSQL that Showup brings along: one server per data folder, reached over a private socket, started
by the first Showup process that needs it and stopped by the last. A folder enters; a DSN leaves."""
