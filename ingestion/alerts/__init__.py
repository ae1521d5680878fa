"""Telling people of problems: each once, and once that it is over, whoever looks for them and however often.

What belongs here: problems, which of them people know of, and the channels that reach people. What does not: finding
problems (``health``, and ``orchestration.alerting`` for what Dagster knows).

    problem                 what is told
    memory                  raw.alerts: what is open since when, and which channel is still to be told
    message                 the words
    channels, deliveries    webhook, email; how often one is tried that does not answer
    evaluation              all of it, under a lock
"""

from ingestion.alerts.channels import Channel, DeliveryError, channels_of
from ingestion.alerts.evaluation import Evaluation, database_problems, evaluate, last_evaluated_at
from ingestion.alerts.message import Message
from ingestion.alerts.problem import DATABASE, Problem

__all__ = [
    "DATABASE",
    "Channel",
    "DeliveryError",
    "Evaluation",
    "Message",
    "Problem",
    "channels_of",
    "database_problems",
    "evaluate",
    "last_evaluated_at",
]
