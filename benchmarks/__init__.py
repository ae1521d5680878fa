"""What is measured, how, and the last figures (``RESULTS.md``). Run all with ``make bench``, one by naming it.

What belongs here: measurements that anyone can repeat. What does not: tests; nothing here passes or fails by a clock.
"""
