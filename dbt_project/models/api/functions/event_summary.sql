-- One event on one screen: what it is, what is asked now, how that came about, and how well it was watched.
-- depends_on: {{ ref('dim_events') }}

with asked as (
    select p_event_id as event_id
),

event as (
    select events.*
    from asked
    inner join {{ ref('events') }} as events on asked.event_id = events.event_id
),

live as (
    select live.*
    from asked
    inner join {{ ref('event_live') }} as live on asked.event_id = live.event_id
),

-- Whole hours, so that every number of the last day or week is a sum of rows that aggregated_analytics shows.
last_day as (
    select
        sum(hours.captures)::integer as captures,
        sum(hours.listings_added)::integer as listings_added,
        sum(hours.listings_gone)::integer as listings_gone,
        sum(hours.tickets_sold_est)::integer as tickets_sold_est,
        sum(hours.sold_value_est) as sold_value_est
    from live
    inner join {{ ref('aggregated_analytics') }} as hours
        on live.event_id = hours.event_id and hours.hour > live.captured_at - interval '24 hours'
),

days as (
    select daily.*
    from asked
    inner join {{ ref('daily_analytics') }} as daily on asked.event_id = daily.event_id
),

whole_life as (
    select
        count(*)::integer as days_captured,
        sum(captures)::integer as captures,
        sum(tickets_sold_est)::integer as tickets_sold_est,
        sum(sold_value_est) as sold_value_est,
        min(get_in_low) as get_in_lowest,
        max(get_in_high) as get_in_highest,
        (array_agg(day order by get_in_low asc nulls last, day asc))[1] as get_in_lowest_on,
        (array_agg(day order by get_in_high desc nulls last, day asc))[1] as get_in_highest_on,
        min(first_captured_at) as first_captured_at
    from days
),

final as (
    select
        -- ids
        event.venue_id,
        event.category_id,

        -- strings
        event.event_name,
        event.venue_name,
        event.city,
        event.state,
        event.country_code,
        event.timezone,

        -- numerics
        event.capacity,
        event.interval_seconds,
        round(extract(epoch from event.starts_at - now()) / 86400, 2) as days_to_event,
        live.listings,
        live.tickets,
        live.get_in,
        live.price_median,
        live.pair_get_in,
        live.all_in_get_in,
        live.all_in_price_median,
        day_before.get_in_close as get_in_24h_ago,
        week_before.get_in_close as get_in_7d_ago,
        whole_life.get_in_lowest,
        whole_life.get_in_highest,
        last_day.listings_added as listings_added_24h,
        last_day.listings_gone as listings_gone_24h,
        last_day.tickets_sold_est as tickets_sold_est_24h,
        last_day.sold_value_est as sold_value_est_24h,
        whole_life.tickets_sold_est as tickets_sold_est_total,
        whole_life.sold_value_est as sold_value_est_total,
        whole_life.captures as captures_total,
        whole_life.days_captured,
        last_day.captures as captures_24h,
        (86400 / event.interval_seconds)::integer as captures_expected_24h,

        -- booleans
        event.is_tracked,

        -- timestamps
        event.starts_at,
        event.starts_at_local,
        live.captured_at,
        whole_life.first_captured_at,
        case when whole_life.get_in_lowest is not null then whole_life.get_in_lowest_on end as get_in_lowest_on,
        case when whole_life.get_in_highest is not null then whole_life.get_in_highest_on end as get_in_highest_on
    from event
    left join live on event.event_id = live.event_id
    cross join last_day
    cross join whole_life
    left join {{ ref('aggregated_analytics') }} as day_before
        on
            live.event_id = day_before.event_id
            and day_before.hour = date_trunc('hour', live.captured_at - interval '24 hours', 'UTC')
    left join {{ ref('aggregated_analytics') }} as week_before
        on
            live.event_id = week_before.event_id
            and week_before.hour = date_trunc('hour', live.captured_at - interval '168 hours', 'UTC')
)

select * from final
