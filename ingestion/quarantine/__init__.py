"""What came from the marketplace and could not be trusted: looking at it, and giving it another chance.

What belongs here: reading ``raw.quarantine`` and what may come of it. What does not: putting things there
(``ingestion.loading``), deciding what can be trusted (``ingestion.wire_format``, ``ingestion.holding``).
"""
