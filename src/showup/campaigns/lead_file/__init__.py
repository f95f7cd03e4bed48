"""Reads CSV files of leads as sales tools export them. Bytes come in; leads and rejected rows with reasons go out."""
