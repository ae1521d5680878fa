"""The sensor that evaluates alerts every minute.

What belongs here: when. What does not: what (``evaluating``). It starts no run: a tick of ten minutes' rounds would
have ten runs beside it. That the daemon itself has died it cannot see; whoever watches over it does
(``ticketmarts up``, or ``ticketmarts alerts check`` from a timer).
"""

from __future__ import annotations

import dagster as dg

from ingestion.settings import load_settings
from orchestration.alerting.evaluating import ask, evaluate_alerts

SECONDS_BETWEEN = 60


@dg.sensor(
    name="alerts",
    minimum_interval_seconds=SECONDS_BETWEEN,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks the database and Dagster whether anything is wrong, and tells people once (ALERT_WEBHOOK_URL, "
    "ALERT_EMAIL_TO).",
)
def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """One evaluation, in words."""
    repository = context.repository_def
    if repository is None:
        raise AssertionError("a sensor is evaluated in its code location")
    evaluation = evaluate_alerts(load_settings(), lambda: ask(context.instance, repository))
    if not evaluation.is_done:
        return dg.SkipReason("another evaluation is on")
    said = [f"{evaluation.open_problems} problems are open"]
    said += [f"{channel} was told: {subject}" for channel, subject in evaluation.told.items()]
    said += [f"{channel} was not: {why}" for channel, why in evaluation.undelivered.items()]
    return dg.SkipReason("; ".join(said))
