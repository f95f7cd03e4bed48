"""Read queries: every question that Showup answers about current data, with the SQL beside the function.

Functions take a permission, which limits the workspace, and return plain rows; nothing here changes data.
"""
