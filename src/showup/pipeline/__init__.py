"""The heart: what an event changes in the pipeline of a workspace, and what it wants to be told to the world.

Events and rules enter; decisions leave as plain values, and `advance` alone saves them.
"""
