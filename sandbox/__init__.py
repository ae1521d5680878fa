"""A stand-in marketplace: an HTTP server that speaks the wire format and moves like the measured markets.

What belongs here: the catalogue of invented events, the market of their listings, the bodies that show both, the
server, recordings of what it answers, and its failing on demand (``faults``). What does not: any code of the client
that it tests (package ``ingestion``), and anything of the stack that starts it. Everything is a pure function of
(seed, event, instant), and of the faults that are set.
"""
