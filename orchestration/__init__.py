"""Dagster: what is made of what, when it is made, and what is to be seen of it.

What belongs here: assets, jobs, schedules, and running dbt. What does not: business logic. Ingestion's is in
``ingestion/``, transformation's in ``dbt_project/``. Nothing is wired when this package is imported;
``orchestration.definitions`` is the code location.
"""
