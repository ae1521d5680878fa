-- How well every event is being captured and how far its marts are behind: for operations alone.

with tracked_events as (
    select * from {{ source('raw', 'tracked_events') }}
),

heads as (
    select
        event_id,
        captured_at
    from {{ source('raw', 'heads') }}
),

-- Two days are looked at, to know whether history reaches back beyond the one that counts.
captures as (
    select
        event_id,
        count(*) filter (where captured_at > now() - interval '24 hours')::integer as captures,
        min(captured_at) as first_captured_at
    from {{ source('raw', 'snapshots') }}
    where captured_at > now() - interval '48 hours'
    group by event_id
),

-- Two ask for failures, and one event's must not wait for those of all.
failures as not materialized (
    select
        event_id,
        kind,
        message,
        attempted_at
    from {{ source('raw', 'scrape_failures') }}
    where attempted_at > now() - interval '24 hours' and not was_retried
),

failures_by_kind as (
    select
        event_id,
        kind,
        count(*)::integer as failures
    from failures
    group by event_id, kind
),

failed as (
    select
        event_id,
        sum(failures)::integer as failures,
        jsonb_object_agg(kind, failures) as failures_by_kind
    from failures_by_kind
    group by event_id
),

last_failures as (
    select distinct on (event_id) *
    from failures
    order by event_id asc, attempted_at desc, kind asc
),

stale as (
    select
        event_id,
        count(*)::integer as stale_hours,
        min(marked_at) as stale_since_at
    from {{ source('raw', 'stale_hours') }}
    group by event_id
),

events as (
    select
        event_id,
        event_name,
        starts_at
    from {{ ref('dim_events') }}
),

-- An event that was tracked later than 24 hours ago is not expected before that, unless its history was imported.
watched as (
    select
        tracked_events.*,
        coalesce(captures.captures, 0) as captures,
        extract(
            epoch from now() - greatest(
                least(tracked_events.added_at, captures.first_captured_at), now() - interval '24 hours'
            )
        ) as watched_seconds
    from tracked_events
    left join captures on tracked_events.event_id = captures.event_id
),

final as (
    select
        -- ids
        watched.event_id,

        -- strings
        events.event_name,
        last_failures.kind as last_failure_kind,
        last_failures.message as last_failure_message,

        -- numerics
        watched.interval_seconds,
        extract(epoch from now() - heads.captured_at)::integer as lag_seconds,
        round(extract(epoch from now() - heads.captured_at) / watched.interval_seconds, 2) as lag_intervals,
        watched.captures as captures_24h,
        round(watched.watched_seconds / watched.interval_seconds)::integer as captures_expected_24h,
        round(
            100 * watched.captures * watched.interval_seconds / nullif(watched.watched_seconds, 0), 1
        ) as coverage_percent_24h,
        coalesce(failed.failures, 0) as failures_24h,
        coalesce(failed.failures_by_kind, '{}') as failures_by_kind_24h,
        coalesce(stale.stale_hours, 0) as stale_hours,

        -- booleans
        watched.is_tracked,

        -- timestamps
        events.starts_at,
        heads.captured_at as last_captured_at,
        last_failures.attempted_at as last_failed_at,
        stale.stale_since_at
    from watched
    left join heads on watched.event_id = heads.event_id
    left join failed on watched.event_id = failed.event_id
    left join last_failures on watched.event_id = last_failures.event_id
    left join stale on watched.event_id = stale.event_id
    left join events on watched.event_id = events.event_id
)

select * from final
