"""What a worker runs: ``celery --app orchestration.celery_worker worker --queues dagster``.

What belongs here: the application. What does not: how it behaves (``celery_execution``).
"""

from __future__ import annotations

from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_task

from ingestion.settings import load_settings
from orchestration.celery_execution import build_executor

app = make_app(build_executor(load_settings()).app_args())  # type: ignore[no-untyped-call]
execute_plan = create_task(app)  # type: ignore[no-untyped-call]
