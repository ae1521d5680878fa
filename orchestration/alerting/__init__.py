"""Alerts of what only Dagster knows: runs, ticks, daemons, checks of assets; and when alerts are evaluated.

What belongs here: asking Dagster's instance, the sensor, the commands. What does not: state and delivery
(``ingestion.alerts``).
"""
