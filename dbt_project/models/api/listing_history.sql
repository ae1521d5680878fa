-- The life of every listing, with what a screen says of its event and zone beside it.
-- Without CTEs: macros/materializations/stable_view.sql says why.

select
    -- ids
    lives.event_id,
    lives.source_listing_id,
    lives.zone_id,
    lives.section_id,

    -- strings
    events.event_name,
    zones.zone_name,
    lives.section,
    lives.seat_row,
    lives.ended_as,

    -- numerics
    lives.first_quantity,
    lives.last_quantity,
    lives.first_price,
    lives.lowest_price,
    lives.last_price,
    lives.price_changes,

    -- timestamps
    events.starts_at,
    lives.first_seen_at,
    lives.last_seen_at,
    lives.gone_at
from {{ ref('listing_lifecycle') }} as lives
left join {{ ref('dim_events') }} as events on lives.event_id = events.event_id
left join {{ ref('dim_zones') }} as zones on lives.event_id = zones.event_id and lives.zone_id = zones.zone_id
