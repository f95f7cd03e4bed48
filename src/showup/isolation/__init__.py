"""Child processes with limits, for work that may never end or exhaust memory, such as rendering somebody's template.

A request enters as plain values, and bytes leave. Nothing here knows what is rendered.
"""
