"""What people do here, in the API, a form or a command: JSON that names things by keys which survive any rebuild.
In come its bytes as they were kept, out go events of a booking's story, and deeds beside it.
"""
