-- The metrics of an event by the hour or by the day, in time order. Windows without a capture have no row.
-- depends_on: {{ ref('dim_events') }}

with asked as (
    select
        p_event_id as event_id,
        p_granularity as granularity,
        v_from_at as from_at,
        p_to_at as to_at
),

hours as (
    select
        analytics.*,
        analytics.hour as at
    from asked
    inner join {{ ref('aggregated_analytics') }} as analytics
        on
            asked.event_id = analytics.event_id
            and analytics.hour >= date_trunc('hour', asked.from_at, 'UTC')
            and analytics.hour < asked.to_at
    where asked.granularity = 'hour'
),

days as (
    select
        analytics.*,
        analytics.day::timestamp at time zone 'UTC' as at
    from asked
    inner join {{ ref('daily_analytics') }} as analytics
        on
            asked.event_id = analytics.event_id
            and analytics.day >= (asked.from_at at time zone 'UTC')::date
            and analytics.day::timestamp < (asked.to_at at time zone 'UTC')
    where asked.granularity = 'day'
),

final as (
    select {{ window_columns() }}, at, is_final
    from hours
    union all
    select {{ window_columns() }}, at, is_final
    from days
)

select * from final
order by at
