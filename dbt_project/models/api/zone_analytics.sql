-- The API's view of zone_hourly. Whether an hour has closed is asked when it is read.

with zone_hourly as (
    select * from {{ ref('zone_hourly') }}
),

final as (
    select
        *,
        hour + interval '1 hour' <= now() as is_final
    from zone_hourly
)

select * from final
