-- The marks that this run clears when it succeeds: all of the hour in progress and of the one before it, so that the
-- present stays fresh whatever else is to be built, and a batch of the others. Of these the newest days come first, and
-- the hours of one event and day stay together, because a day is read whole.
-- A full refresh claims every mark, and every hour that has a capture.
-- depends_on: {{ ref('int_event_starts') }}
-- depends_on: {{ ref('stg_raw__snapshots') }}

with stale_hours as (
    select * from {{ ref('stg_raw__stale_hours') }}
),

{% if flags.FULL_REFRESH %}
captured_hours as (
    select distinct
        event_id,
        date_trunc('hour', captured_at, 'UTC') as hour_at
    from {{ ref('stg_raw__snapshots') }}
),

claimed as (
    select
        event_id,
        hour_at,
        stale_hours.mark
    from captured_hours
    full join stale_hours using (event_id, hour_at)
),
{% else %}
batch as (
    select
        event_id,
        hour_at,
        mark
    from stale_hours
    where hour_at < date_trunc('hour', now(), 'UTC') - interval '1 hour'
    order by date_trunc('day', hour_at, 'UTC') desc, event_id asc, hour_at asc
    limit {{ var('max_stale_hours') }}
),

claimed as (
    select * from batch
    union all
    select
        event_id,
        hour_at,
        mark
    from stale_hours
    where hour_at >= date_trunc('hour', now(), 'UTC') - interval '1 hour'
),
{% endif %}

final as (
    select
        event_id,
        hour_at,
        mark,
        '{{ invocation_id }}'::text as invocation_id
    from claimed
)

select * from final
