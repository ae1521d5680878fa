"""The pool that keeps dbt runs apart, and giving its slot up for a while.

What belongs here: Dagster's slots. What does not: the lock that keeps others out, too (``building``).
"""

from __future__ import annotations

import time

import dagster as dg

DBT_POOL = "dbt"
"""One dbt run at a time; limited to one slot in dagster.yaml."""

_POLL_SECONDS = 1
_BEHIND_OTHERS = -1


def give_way(context: dg.AssetExecutionContext) -> None:
    """Give the pool's slot to whoever waits for it, and come back when it is free again.

    Between two batches of a long backfill, so that a round waits for one of them and not for all.
    """
    storage = context.instance.event_log_storage
    # An instance without limits, as a test's, has no slots.
    if not storage.supports_global_concurrency_limits or not storage.get_concurrency_info(DBT_POOL).slot_count:
        return
    step_key = context.op_execution_context.get_step_execution_context().step.key
    storage.free_concurrency_slot_for_step(context.run.run_id, step_key)
    while not storage.claim_concurrency_slot(DBT_POOL, context.run.run_id, step_key, _BEHIND_OTHERS).is_claimed:
        # Dagster hands a slot on when it is freed, to one who waits then. Who begins to wait at that very instant is
        # overlooked and waits until the next one frees it, or for ever: so it does not keep its place, but asks anew.
        storage.free_concurrency_slot_for_step(context.run.run_id, step_key)
        time.sleep(_POLL_SECONDS)
