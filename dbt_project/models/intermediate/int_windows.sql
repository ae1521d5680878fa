-- The windows that this run rebuilds, and for each the span of raw that it is read from. Every hour lies in a claimed
-- day and is read with it; the newest capture is read alone where its day is not claimed. Windows that raw can no
-- longer tell in full, since captures that they were made of have been dropped, are left as they are.

with claimed_marks as (
    select * from {{ ref('int_claimed_marks') }}
),

snapshots as (
    select * from {{ ref('stg_raw__snapshots') }}
),

dropped_captures as (
    select * from {{ ref('stg_raw__dropped_captures') }}
),

claimed_hours as (
    select
        'hour' as grain,
        claimed_marks.event_id,
        claimed_marks.hour_at as window_start_at,
        claimed_marks.hour_at + interval '1 hour' as window_end_at,
        date_trunc('day', claimed_marks.hour_at, 'UTC') as read_start_at,
        date_trunc('day', claimed_marks.hour_at, 'UTC') + interval '24 hours' as read_end_at
    from claimed_marks
    left join dropped_captures on claimed_marks.event_id = dropped_captures.event_id
    where dropped_captures.whole_from_at is null or dropped_captures.whole_from_at <= claimed_marks.hour_at
),

claimed_days as (
    select distinct
        'day' as grain,
        event_id,
        read_start_at as window_start_at,
        read_end_at as window_end_at,
        read_start_at,
        read_end_at
    from claimed_hours
),

claimed_events as (
    select distinct event_id
    from claimed_marks
),

newest_captures as (
    select
        claimed_events.event_id,
        newest.captured_at
    from claimed_events
    left join lateral (
        select snapshots.captured_at
        from snapshots
        where snapshots.event_id = claimed_events.event_id
        order by snapshots.captured_at desc
        limit 1
    ) as newest on true
    left join dropped_captures on claimed_events.event_id = dropped_captures.event_id
    where newest.captured_at is not null or dropped_captures.event_id is null
),

claimed_latest as (
    select
        'latest' as grain,
        newest_captures.event_id,
        newest_captures.captured_at as window_start_at,
        newest_captures.captured_at + interval '1 microsecond' as window_end_at,
        coalesce(claimed_days.read_start_at, newest_captures.captured_at) as read_start_at,
        coalesce(claimed_days.read_end_at, newest_captures.captured_at + interval '1 microsecond') as read_end_at
    from newest_captures
    left join claimed_days
        on
            newest_captures.event_id = claimed_days.event_id
            and newest_captures.captured_at >= claimed_days.read_start_at
            and newest_captures.captured_at < claimed_days.read_end_at
),

windows as (
    select * from claimed_hours
    union all
    select * from claimed_days
    union all
    select * from claimed_latest
),

final as (
    select
        -- ids
        row_number() over (order by event_id, window_start_at, window_end_at)::integer as window_number,
        dense_rank() over (order by event_id, read_start_at)::integer as read_number,
        event_id,

        -- strings
        grain,

        -- timestamps
        window_start_at,
        window_end_at,
        read_start_at,
        read_end_at
    from windows
)

select * from final
