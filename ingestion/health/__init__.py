"""Is the data fresh, whole and right, and how long will that last: a question a module, asked of the database.

What belongs here: checks that read what is stored and say in words and numbers what they found, and what to do. What
does not: who asks them (asset checks in ``orchestration``, ``ticketmarts status``, ``alerts``, ``monitoring``), or what
only Dagster knows.

    result, watching                                            what a check says; which events are looked at
    freshness, capture_coverage, failure_rate, circuit_breaker  is everything captured
    zero_inventory, market_price_step, codec_round_trip         is what was captured right
    ledger_age, disk_forecast                                   do the marts follow; does the disk last
    running                                                     all of them
"""

from ingestion.health.result import CheckResult
from ingestion.health.running import CHECKS, HealthCheck, run_checks

__all__ = ["CHECKS", "CheckResult", "HealthCheck", "run_checks"]
