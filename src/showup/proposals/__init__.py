"""Proposals: what is offered for which price, as values with exact amounts, as a PDF file, and as rows.

The pipeline replays them with their booking, the projector writes their rows, and `pdf_writer` draws a document in a
process of its own. Files are not in the event log: each is stored in the transaction of the event it was drawn for.
"""
