"""Extract and load: the marketplace's answers become captures in the schema ``raw``.

What belongs here: the marketplace client, the wire format, the snapshot codec, tracked events, recordings.
What does not: transformation (``dbt_project/``), scheduling (``orchestration/``), running servers (``stack/``).
"""
