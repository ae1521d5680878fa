-- The API's view of event_daily. Whether a day has closed is asked when it is read, and so is how far off the event is:
-- its start may move.

with event_daily as (
    select * from {{ ref('event_daily') }}
),

events as (
    select
        event_id,
        starts_at
    from {{ ref('dim_events') }}
),

final as (
    select
        event_daily.*,
        {{ days_between("event_daily.day::timestamp at time zone 'UTC'", 'events.starts_at') }} as days_to_event,
        (event_daily.day + 1)::timestamp at time zone 'UTC' <= now() as is_final
    from event_daily
    left join events on event_daily.event_id = events.event_id
)

select * from final
