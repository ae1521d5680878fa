"""What keeps the database healthy for months: partitions made ahead, what is old taken away, statistics.

What belongs here: the tables of ``raw``. What does not: Dagster's own runs and logs (``orchestration.housekeeping``).
"""
