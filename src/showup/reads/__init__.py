"""Every question that Showup answers about what stands, with the SQL beside the function.

A permit's workspace goes in, plain rows come out; nothing here changes anything.
"""
