"""The systems that Showup receives events from: one folder per source; the sources do not import each other.

A source takes signed bytes, and returns events in Showup's own model, or the reason why there are none.
"""
