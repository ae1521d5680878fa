-- Every event that raw knows of: by the marketplace's productions, by what its listings say of it, or only because it
-- is tracked. The newest word counts; what a production leaves out is taken from the listings' seating.
{{
    config(
        incremental_strategy='replace_all',
        unique_key='event_id',
    )
}}

with productions as (
    select * from {{ ref('stg_raw__productions') }}
),

seating as (
    select * from {{ ref('stg_raw__seating') }}
),

tracked_events as (
    select * from {{ ref('stg_raw__tracked_events') }}
),

event_starts as (
    select * from {{ ref('int_event_starts') }}
),

newest_productions as (
    select distinct on (event_id) *
    from productions
    order by event_id asc, observed_at desc
),

newest_seating as (
    select distinct on (event_id) *
    from seating
    order by event_id asc, observed_at desc
),

final as (
    select
        -- ids
        event_id,
        coalesce(newest_productions.venue_id, newest_seating.venue_id) as venue_id,
        newest_productions.category_id,
        newest_productions.sub_category_id,

        -- strings
        coalesce(newest_productions.event_name, newest_seating.event_name) as event_name,
        newest_productions.web_path,
        newest_productions.delay_type,

        -- numerics
        tracked_events.interval_seconds,

        -- booleans
        coalesce(newest_productions.is_date_tbd, false) as is_date_tbd,
        coalesce(newest_productions.is_time_tbd, false) as is_time_tbd,
        coalesce(newest_productions.is_if_necessary, false) as is_if_necessary,
        coalesce(newest_productions.is_hidden, false) as is_hidden,
        coalesce(tracked_events.is_tracked, false) as is_tracked,

        -- timestamps
        event_starts.starts_at,
        case when event_starts.starts_at is not null then newest_productions.starts_at_local end as starts_at_local,
        tracked_events.tracked_since_at
    from newest_productions
    full join newest_seating using (event_id)
    full join tracked_events using (event_id)
    left join event_starts using (event_id)
)

select * from final
