"""Showup turns Cal.com bookings into a sales pipeline: this is the way of one booking.

A webhook reaches the door (`web`) and is kept as a raw event before anyone has understood it (`inbox`). Its
words are translated into ours (`sources`), and the pipeline decides, on what stands and nothing else, what
becomes of the person, the company, the booking and the deal (`pipeline.decide`). `pipeline.advance` saves the
decision, its journal lines and the deliveries it asks for in one transaction; `deliveries` then tells the
world until each one is settled. Whoever wants to know how things stand asks `reads`. The way runs in one
direction, and each room has one verb.
"""
