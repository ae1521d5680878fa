-- The newest capture of every event, with what a screen says of the event beside it.
-- Without CTEs: macros/materializations/stable_view.sql says why.

select
    -- ids
    latest.event_id,
    events.venue_id,

    -- strings
    events.event_name,
    venues.venue_name,
    venues.city,
    venues.state,
    venues.country_code,
    venues.timezone,

    -- numerics
    venues.capacity,
    events.interval_seconds,
    latest.listings,
    latest.tickets,
    latest.get_in,
    latest.price_p25,
    latest.price_median,
    latest.price_p75,
    latest.price_avg,
    latest.price_avg_trimmed,
    latest.price_max,
    latest.all_in_get_in,
    latest.all_in_price_p25,
    latest.all_in_price_median,
    latest.all_in_price_p75,
    latest.all_in_price_avg,
    latest.all_in_price_avg_trimmed,
    latest.all_in_price_max,
    latest.pair_get_in,
    {% for name, _ in spans_of_moves() -%}
    latest.listings_change_{{ name }},
    latest.tickets_change_{{ name }},
    latest.get_in_change_{{ name }},
    latest.price_median_change_{{ name }},
    {% endfor -%}
    round(latest.tickets::numeric / nullif(venues.capacity, 0), 4)::numeric(12, 4) as capacity_share,
    {{ days_between('latest.captured_at', 'events.starts_at') }} as days_to_event,

    -- booleans
    events.is_tracked,

    -- timestamps
    events.starts_at,
    events.starts_at_local,
    latest.captured_at
from {{ ref('event_latest') }} as latest
left join {{ ref('dim_events') }} as events on latest.event_id = events.event_id
left join {{ ref('dim_venues') }} as venues on events.venue_id = venues.venue_id
