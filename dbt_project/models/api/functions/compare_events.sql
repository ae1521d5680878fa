-- Several events on one axis, the time left until each starts: the window in which an event starts is at 0.

with asked as (
    select
        p_event_ids as event_ids,
        p_granularity as granularity,
        v_from_days_to_event as from_days_to_event,
        p_to_days_to_event as to_days_to_event
),

compared as (
    select
        events.event_id,
        events.event_name,
        events.starts_at,
        date_trunc('hour', events.starts_at, 'UTC') as start_hour,
        (events.starts_at at time zone 'UTC')::date as start_day
    from asked
    inner join {{ ref('events') }} as events on events.event_id = any(asked.event_ids)
    where events.starts_at is not null
),

hours as (
    select
        analytics.*,
        compared.event_name,
        analytics.hour as at,
        (extract(epoch from compared.start_hour - analytics.hour) / 3600)::integer as hours_to_event
    from asked
    cross join compared
    inner join {{ ref('aggregated_analytics') }} as analytics
        on
            compared.event_id = analytics.event_id
            and analytics.hour >= compared.start_hour - asked.from_days_to_event * interval '24 hours'
            and analytics.hour <= compared.start_hour - asked.to_days_to_event * interval '24 hours'
    where asked.granularity = 'hour'
),

days as (
    select
        analytics.*,
        compared.event_name,
        analytics.day::timestamp at time zone 'UTC' as at,
        compared.start_day - analytics.day as whole_days_to_event
    from asked
    cross join compared
    inner join {{ ref('daily_analytics') }} as analytics
        on
            compared.event_id = analytics.event_id
            and analytics.day between
            compared.start_day - asked.from_days_to_event and compared.start_day - asked.to_days_to_event
    where asked.granularity = 'day'
),

final as (
    select
        event_id,
        event_name,
        {{ window_columns() }},
        round(hours_to_event / 24.0, 4) as days_to_event,
        hours_to_event,
        is_final,
        at
    from hours
    union all
    select
        event_id,
        event_name,
        {{ window_columns() }},
        whole_days_to_event::numeric as days_to_event,
        null::integer as hours_to_event,
        is_final,
        at
    from days
)

select * from final
order by days_to_event desc, event_id asc
