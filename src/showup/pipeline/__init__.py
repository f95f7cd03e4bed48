"""Pure pipeline logic: what an event changes in a workspace, and which deliveries it requires.

Input is events and rules; output is decisions as plain values. Only `projector.project` saves them.
"""
