-- The API's view of event_hourly. Whether an hour has closed is asked when it is read, and so is how far off the event
-- is: its start may move.

with event_hourly as (
    select * from {{ ref('event_hourly') }}
),

events as (
    select
        event_id,
        starts_at
    from {{ ref('dim_events') }}
),

final as (
    select
        event_hourly.*,
        {{ days_between('event_hourly.hour', 'events.starts_at') }} as days_to_event,
        event_hourly.hour + interval '1 hour' <= now() as is_final
    from event_hourly
    left join events on event_hourly.event_id = events.event_id
)

select * from final
