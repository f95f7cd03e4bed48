"""What reached us, kept before it is understood, and handed to the pipeline in its own time.

Raw bytes enter from the door; nothing leaves but the promise that they are kept, and what became of them.
"""
