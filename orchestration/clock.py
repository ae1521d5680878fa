"""What Dagster remembers of a clock that was ahead: after a tick of an instant that is yet to come it waits for it.

What belongs here: making it forget. What does not: noticing (``alerting.dagster_problems``); captures, which are put
where they belong whatever their instant is.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorData, ScheduleInstigatorData

CLOCKS_DIFFER = timedelta(minutes=1)
"""A tick is of a minute that has begun; another machine's clock may be a little ahead."""


def forget_the_future(instance: dg.DagsterInstance, now: datetime) -> list[str]:
    """Make schedules and sensors with a tick after ``now`` begin anew; their names in order. All their ticks go.

    A daemon that runs has it in its memory, too, and must be started anew.
    """
    limit = (now + CLOCKS_DIFFER).timestamp()
    forgotten = []
    for state in instance.all_instigator_state():
        whose = (state.instigator_origin_id, state.selector_id)
        newest = max((tick.timestamp for tick in instance.get_ticks(*whose, limit=1)), default=0.0)
        data = state.instigator_data
        if data is None or max(newest, _newest_remembered(data)) <= limit:
            continue
        instance.purge_ticks(*whose, before=newest + 1)
        instance.update_instigator_state(state.with_data(_anew(data, now.timestamp())))
        forgotten.append(state.instigator_name)
    return sorted(forgotten)


def _newest_remembered(data: InstigatorData) -> float:
    if isinstance(data, ScheduleInstigatorData):
        return max(data.start_timestamp or 0.0, data.last_iteration_timestamp or 0.0)
    return max(data.last_tick_timestamp or 0.0, data.last_tick_start_timestamp or 0.0)


def _anew(data: InstigatorData, now: float) -> InstigatorData:
    if isinstance(data, ScheduleInstigatorData):
        return data._replace(start_timestamp=now, last_iteration_timestamp=now)
    return data._replace(last_tick_timestamp=None, last_tick_start_timestamp=None, last_tick_success_timestamp=None)
