"""Where the steps of rounds run: in one process, or on workers of Celery.

What belongs here: the choice, by settings. What does not: Celery's configuration (``celery_execution``), which is
imported only where it is chosen: it is heavy, and not every installation has it.
"""

from __future__ import annotations

from importlib.util import find_spec

import dagster as dg

from ingestion.settings import Settings, SettingsError

LONGEST_RUN_SECONDS = 3600


def choose_executor(settings: Settings) -> dg.ExecutorDefinition:
    """In one process, which takes half the time of a process a step, unless there is a broker to give steps to.

    Raises:
        SettingsError: there is a broker, and no Celery.
    """
    if settings.celery_broker_url is None:
        return dg.in_process_executor
    if find_spec("dagster_celery") is None:
        raise SettingsError(
            "CELERY_BROKER_URL is set, but Celery is not installed: install `ticketmarts[celery]`, or unset it."
        )
    from orchestration.celery_execution import on_celery  # noqa: PLC0415  # see above

    return on_celery


def run_tags(settings: Settings) -> dict[str, str]:
    """The tags of runs of the executor chosen.

    Where the broker loses a task (Redis without a disk, started anew), Dagster would wait for its result for ever, and
    schedules for the run: run monitoring ends it.
    """
    return {} if settings.celery_broker_url is None else {"dagster/max_runtime": str(LONGEST_RUN_SECONDS)}
