"""What the law asks about people's data: export and erasure of one person, and how long contents are kept.

Nothing here lists the places where a person can be: it walks over all tables (`catalogue`), so that a new one joins in.
"""
