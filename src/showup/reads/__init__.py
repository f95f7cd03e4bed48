"""All queries of current data, with the SQL beside each function.

Functions take a permission, which limits the workspace, and return plain rows; nothing here changes data.
"""
