"""Data ownership and access: workspaces, connections and their secrets, routes, API keys, permissions.

Other packages pass a workspace or a permission from here with every query; this package knows nothing about bookings.
"""
