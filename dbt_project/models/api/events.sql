-- Every event with where it takes place.
-- Without CTEs: macros/materializations/stable_view.sql says why.

select
    -- ids
    events.event_id,
    events.venue_id,
    events.category_id,
    events.sub_category_id,

    -- strings
    events.event_name,
    venues.venue_name,
    venues.address,
    venues.city,
    venues.state,
    venues.postal_code,
    venues.country_code,
    venues.timezone,
    events.web_path,
    events.delay_type,

    -- numerics
    venues.capacity,
    venues.latitude,
    venues.longitude,
    events.interval_seconds,

    -- booleans
    events.is_date_tbd,
    events.is_time_tbd,
    events.is_if_necessary,
    events.is_hidden,
    events.is_tracked,

    -- timestamps
    events.starts_at,
    events.starts_at_local,
    events.tracked_since_at
from {{ ref('dim_events') }} as events
left join {{ ref('dim_venues') }} as venues on events.venue_id = venues.venue_id
