-- The events whose metric has moved most: its newest hour against the hour that ended its captures a lookback earlier.

with asked as (
    select
        p_metric as metric,
        p_direction as direction,
        p_min_listings as min_listings,
        p_at as at,
        v_span as span
),

-- Asked twice and not materialized: that would be the whole mart, where an index gives two rows an event.
hours as not materialized (
    select
        event_id,
        hour,
        last_captured_at,
        listings_close,
        case (select asked.metric from asked)
            when 'get_in' then get_in_close
            when 'all_in_get_in' then all_in_get_in_close
            when 'pair_get_in' then pair_get_in
            when 'price_median' then price_median
            when 'listings' then listings_close::numeric
            when 'tickets' then tickets_close::numeric
        end as value
    from {{ ref('event_hourly') }}
),

events as (
    select * from {{ ref('events') }}
),

-- An event that has not been captured within the lookback has not moved in it: it is left out.
moved as (
    select
        events.event_id,
        events.event_name,
        events.venue_name,
        events.city,
        events.starts_at,
        newest.listings_close as listings,
        newest.value,
        newest.last_captured_at as captured_at,
        earlier.value as earlier_value,
        earlier.last_captured_at as compared_at
    from asked
    cross join events
    cross join
        lateral (
            select hours.*
            from hours
            where
                hours.event_id = events.event_id
                and hours.hour > asked.at - asked.span - interval '1 hour'
                and hours.hour <= asked.at
                and hours.last_captured_at <= asked.at
            order by hours.hour desc
            limit 1
        ) as newest
    cross join
        lateral (
            select hours.*
            from hours
            where
                hours.event_id = events.event_id
                and hours.hour > newest.last_captured_at - 2 * asked.span - interval '1 hour'
                and hours.hour <= newest.last_captured_at - asked.span
                and hours.last_captured_at <= newest.last_captured_at - asked.span
            order by hours.hour desc
            limit 1
        ) as earlier
    where newest.listings_close >= asked.min_listings
),

changed as (
    select
        *,
        value - earlier_value as change,
        round(100 * (value - earlier_value) / nullif(earlier_value, 0), 2) as change_percent
    from moved
),

final as (
    select
        changed.event_id,
        changed.event_name,
        changed.venue_name,
        changed.city,
        changed.listings,
        changed.value,
        changed.earlier_value,
        changed.change,
        changed.change_percent,
        changed.starts_at,
        changed.captured_at,
        changed.compared_at
    from changed
    cross join asked
    where
        (asked.direction in ('up', 'both') and changed.change > 0)
        or (asked.direction in ('down', 'both') and changed.change < 0)
    order by abs(changed.change_percent) desc nulls last, changed.event_id asc
    limit p_max_events
)

select * from final
