"""Metrics of the pipeline for Prometheus: what the checks see, as numbers over time.

What belongs here: names, samples and the endpoint. What does not: prices (``dbt_project``), or judging a number
(``health``). Nothing here needs Dagster, so that metrics are there when Dagster is not.

    families                what is measured, by name
    reading                 the numbers, read from the database
    collecting              a scrape (``commands.metrics`` is the endpoint)
"""
