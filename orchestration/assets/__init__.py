"""The assets, from the marketplace to the views of the API, in the order of the way of the data.

What belongs here: thin bodies that call ``ingestion`` or dbt and say what they did. What does not: wiring.
"""
