-- The API's view of event_hourly. Whether an hour has closed is asked when it is read, and so is how far off the event
-- is: its start may move.
-- Without CTEs: macros/materializations/stable_view.sql says why.

select
    event_hourly.*,
    {{ days_between('event_hourly.hour', 'events.starts_at') }} as days_to_event,
    event_hourly.hour + interval '1 hour' <= now() as is_final
from {{ ref('event_hourly') }} as event_hourly
left join {{ ref('dim_events') }} as events on event_hourly.event_id = events.event_id
