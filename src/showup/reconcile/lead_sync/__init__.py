"""Reads EmailBison's campaigns, statistics, leads and replies into the tables that imports of files fill too (CA1)."""
