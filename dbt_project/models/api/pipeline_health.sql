-- How well every event is being captured and how far its marts are behind: for operations alone.
-- Without CTEs: macros/materializations/stable_view.sql says why. What must be counted is counted by subqueries in the
-- list of columns, which PostgreSQL puts off until it knows the rows: the 50 that lag most cost 50 counts, not 1,000.

{%- set first_captured_at -%}
(
        select min(snapshots.captured_at)
        from {{ source('raw', 'snapshots') }} as snapshots
        where snapshots.event_id = tracked_events.event_id and snapshots.captured_at > now() - interval '48 hours'
    )
{%- endset -%}
{%- set captures -%}
(
        select count(*)
        from {{ source('raw', 'snapshots') }} as snapshots
        where snapshots.event_id = tracked_events.event_id and snapshots.captured_at > now() - interval '24 hours'
    )
{%- endset -%}
{#- An event that was tracked later than 24 hours ago is not expected before that, unless its history was imported: two
days are looked at, to know whether history reaches back beyond the one that counts. -#}
{%- set watched_seconds -%}
extract(
        epoch from now() - greatest(
            least(tracked_events.added_at, {{ first_captured_at }}), now() - interval '24 hours'
        )
    )
{%- endset -%}
{%- set its_failures -%}
from {{ source('raw', 'scrape_failures') }} as failures
        where
            failures.event_id = tracked_events.event_id
            and failures.attempted_at > now() - interval '24 hours'
            and not failures.was_retried
{%- endset -%}
{%- set its_stale_hours -%}
from {{ source('raw', 'stale_hours') }} as stale_hours
        where stale_hours.event_id = tracked_events.event_id
{%- endset %}

select
    -- ids
    tracked_events.event_id,

    -- strings
    events.event_name,
    (
        select failures.kind
        {{ its_failures }}
        order by failures.attempted_at desc, failures.kind asc
        limit 1
    ) as last_failure_kind,
    (
        select failures.message
        {{ its_failures }}
        order by failures.attempted_at desc, failures.kind asc
        limit 1
    ) as last_failure_message,

    -- numerics
    tracked_events.interval_seconds,
    extract(epoch from now() - heads.captured_at)::integer as lag_seconds,
    round(extract(epoch from now() - heads.captured_at) / tracked_events.interval_seconds, 2) as lag_intervals,
    {{ captures }}::integer as captures_24h,
    round({{ watched_seconds }} / tracked_events.interval_seconds)::integer as captures_expected_24h,
    round(
        100 * {{ captures }} * tracked_events.interval_seconds / nullif({{ watched_seconds }}, 0), 1
    ) as coverage_percent_24h,
    (
        select count(*)
        {{ its_failures }}
    )::integer as failures_24h,
    coalesce(
        (
            select jsonb_object_agg(by_kind.kind, by_kind.failures)
            from (
                select
                    failures.kind,
                    count(*) as failures
                {{ its_failures }}
                group by failures.kind
            ) as by_kind
        ),
        '{}'
    ) as failures_by_kind_24h,
    (
        select count(*)
        {{ its_stale_hours }}
    )::integer as stale_hours,

    -- booleans
    tracked_events.is_tracked,

    -- timestamps
    events.starts_at,
    heads.captured_at as last_captured_at,
    (
        select max(failures.attempted_at)
        {{ its_failures }}
    ) as last_failed_at,
    (
        select min(stale_hours.marked_at)
        {{ its_stale_hours }}
    ) as stale_since_at
from {{ source('raw', 'tracked_events') }} as tracked_events
left join {{ source('raw', 'heads') }} as heads on tracked_events.event_id = heads.event_id
left join {{ ref('dim_events') }} as events on tracked_events.event_id = events.event_id
