-- The API's view of event_daily. Whether a day has closed is asked when it is read, and so is how far off the event is:
-- its start may move.
-- Without CTEs: macros/materializations/stable_view.sql says why.

select
    event_daily.*,
    {{ days_between("event_daily.day::timestamp at time zone 'UTC'", 'events.starts_at') }} as days_to_event,
    (event_daily.day + 1)::timestamp at time zone 'UTC' <= now() as is_final
from {{ ref('event_daily') }} as event_daily
left join {{ ref('dim_events') }} as events on event_daily.event_id = events.event_id
