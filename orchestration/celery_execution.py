"""Dagster's steps on workers of Celery, with Redis between them.

What belongs here: how a broker and workers are to behave, and the executor that gives steps to them. What does not:
the program that workers run (``celery_worker``).

A worker that is lost must not take a step with it, so a task is acknowledged when it is done. Until then Redis keeps
it, and gives it to another worker after ``CELERY_REDELIVERY_SECONDS``; a task is not looked after in any other way, so
one that takes longer is handed out a second time while it is under way. Every step of a round bears that: shards and
builds of marts wait for each other by locks of the database, and then find nothing left to do.
"""

from __future__ import annotations

import dagster as dg
from dagster._core.execution.retries import RetryMode
from dagster_celery.executor import CeleryExecutor

from ingestion.settings import Settings, SettingsError, load_settings

_RESTORE_SECONDS = 5


def build_executor(settings: Settings) -> CeleryExecutor:
    """The executor, whose ``app_args`` are what workers make their Celery with.

    Raises:
        SettingsError: there is no broker.
    """
    if settings.celery_broker_url is None:
        raise SettingsError("no broker: CELERY_BROKER_URL is not set. Set it to the Redis of the workers.")
    url = settings.celery_broker_url.get_secret_value()
    configuration = {
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {
            "visibility_timeout": settings.celery_redelivery_seconds,
            # Kombu otherwise looks for what a lost worker had at every tenth of its ten seconds alone.
            "unacked_restore_interval": _RESTORE_SECONDS,
            "unacked_restore_throttle": 1,
        },
        "task_acks_late": True,
        # One process of a worker lost, as to the system's out-of-memory killer: at once to another.
        "task_reject_on_worker_lost": True,
        # A task that was handed out twice and is done by now.
        "worker_deduplicate_successful_tasks": True,
        "worker_prefetch_multiplier": 1,
    }
    return CeleryExecutor(  # type: ignore[no-untyped-call]
        retries=RetryMode.ENABLED, broker=url, backend=url, config_source=configuration
    )


@dg.executor(name="celery", requirements=dg.multiple_process_executor_requirements())
def on_celery(_: dg.InitExecutorContext) -> CeleryExecutor:
    """Each step is a task of Celery's. Nothing is configured in Dagster, which would show the broker's password."""
    return build_executor(load_settings())
