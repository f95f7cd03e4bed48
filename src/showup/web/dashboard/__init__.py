"""The pages that teammates use in a browser: HTML from templates, with live parts that htmx swaps.

Each page works without a script. A page reads through `reads`, and changes data only by commands.
"""
