"""Replays the whole log, compares the result with the current data, and repairs the data on request.

Input: the log and the options (other rules, an earlier time). Output: the differences in readable form. A rebuild
notifies no one.
"""
