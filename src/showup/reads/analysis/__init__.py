"""Reads the analysis: which meetings are missed, moved and cancelled, and how deals move on (CA8)."""
