-- The API's view of event_daily. Whether a day has closed is asked when it is read.

with event_daily as (
    select * from {{ ref('event_daily') }}
),

final as (
    select
        *,
        (day + 1)::timestamp at time zone 'UTC' <= now() as is_final
    from event_daily
)

select * from final
