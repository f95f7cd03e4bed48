"""A believable population that books, moves, cancels and misses meetings, and knows the truth about itself.

It stands outside like any stranger: it sends signed webhooks over HTTP and compares what the API then says.
"""
