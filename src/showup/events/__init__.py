"""The event model: everything that happens, in Showup's own vocabulary and in the past tense.

Webhooks, people, providers and the reconciler all become one kind of record: an event, when it happened, who caused it,
and the stream that it belongs to. Pure values: nothing here reads a clock, a database or a setting.
"""
