-- The API's view of event_hourly. Whether an hour has closed is asked when it is read.

with event_hourly as (
    select * from {{ ref('event_hourly') }}
),

final as (
    select
        *,
        hour + interval '1 hour' <= now() as is_final
    from event_hourly
)

select * from final
