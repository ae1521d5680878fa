-- The API's view of zone_hourly, with the zones' names. Whether an hour has closed is asked when it is read.

with zone_hourly as (
    select * from {{ ref('zone_hourly') }}
),

zones as (
    select * from {{ ref('dim_zones') }}
),

final as (
    select
        zone_hourly.*,
        zones.zone_name,
        zone_hourly.hour + interval '1 hour' <= now() as is_final
    from zone_hourly
    left join zones on zone_hourly.event_id = zones.event_id and zone_hourly.zone_id = zones.zone_id
)

select * from final
