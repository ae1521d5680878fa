-- Who performs in an event, by the newest version of its production.
{{
    config(
        incremental_strategy='replace_all',
        unique_key=['event_id', 'performer_id'],
        post_hook="{{ ensure_index(['performer_id', 'event_id']) }}",
    )
}}

with productions as (
    select * from {{ ref('stg_raw__productions') }}
),

performers as (
    select * from {{ ref('stg_raw__performers') }}
),

newest_productions as (
    select
        event_id,
        max(observed_at) as observed_at
    from productions
    group by event_id
),

-- A performer that is named twice counts where it is named first.
final as (
    select distinct on (performers.event_id, performers.performer_id)
        -- ids
        performers.event_id,
        performers.performer_id,

        -- numerics
        performers.billing_position,

        -- booleans
        coalesce(performers.is_master, false) as is_master
    from newest_productions
    inner join performers
        on
            newest_productions.event_id = performers.event_id
            and newest_productions.observed_at = performers.observed_at
    where performers.performer_id is not null
    order by performers.event_id asc, performers.performer_id asc, performers.billing_position asc
)

select * from final
