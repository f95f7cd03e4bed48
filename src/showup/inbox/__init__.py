"""The inbox stores events as they arrive, before Showup interprets them; the projector applies them later.

The webhook endpoint passes in raw bytes. It gets back the confirmation that they are stored.
"""
