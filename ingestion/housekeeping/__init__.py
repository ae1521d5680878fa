"""What keeps the database healthy for months: partitions made ahead, and what is old taken away.

What belongs here: the tables of ``raw``. What does not: Dagster's own runs and logs (``orchestration.housekeeping``).
"""
