"""Whose data it is and who may see it: workspaces, connections and their secrets, routes, API keys, permits.

Every question that another room asks comes with a workspace or a permit from here; no booking is known in this room.
"""
