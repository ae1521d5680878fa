-- The API's view of zone_hourly, with the zones' names. Whether an hour has closed is asked when it is read.
-- Without CTEs: macros/materializations/stable_view.sql says why.

select
    zone_hourly.*,
    zones.zone_name,
    zone_hourly.hour + interval '1 hour' <= now() as is_final
from {{ ref('zone_hourly') }} as zone_hourly
left join {{ ref('dim_zones') }} as zones
    on zone_hourly.event_id = zones.event_id and zone_hourly.zone_id = zones.zone_id
