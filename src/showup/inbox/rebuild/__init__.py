"""The whole log folded again beside what stands, the two compared, and what stands brought to what the log says.

In come the log and a wish (other rules, an earlier moment); out go differences in words. Nothing is told to anybody.
"""
