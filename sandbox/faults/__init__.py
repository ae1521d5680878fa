"""Faults on demand: what makes the sandbox fail, while it runs, in the ways the real marketplace fails.

What belongs here: the faults, the document that asks for them, the decision which answer is hit, sending what no good
server sends, and the record of what was served. What does not: good answers (``sandbox.marketplace``).
"""
