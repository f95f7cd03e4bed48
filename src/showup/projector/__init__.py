"""The projector: the only writer of the pipeline. It applies events and saves all results in one transaction.

Only this package may use the stores of bookings, deals, people and companies. A batch has these steps: find the event
streams, replay them, save people and companies, replay deals, save.
"""
