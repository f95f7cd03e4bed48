"""A simulated population that books, moves, cancels and misses meetings, and knows the expected result.

It is an external client: it sends signed webhooks over HTTP and compares the API's answers with the truth. Its
rendering of Cal.com's webhooks also serves the benchmarks and the tests.
"""
