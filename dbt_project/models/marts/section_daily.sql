-- The metrics of every section of an event on every UTC day on which it has an observation or a flow.
{{
    config(
        incremental_strategy='replace_windows',
        grain='day',
        unique_key=['event_id', 'day', 'section_id'],
        tags=['ledger'],
        post_hook="{{ ensure_index(['day', 'event_id']) }}",
    )
}}
-- depends_on: {{ ref('int_windows') }}

with window_metrics as (
    select * from {{ ref('int_window_metrics') }}
),

final as (
    select
        -- ids
        event_id,
        (window_start_at at time zone 'UTC')::date as day,
        part_id as section_id,

        -- numerics
        {{ metric_columns() }},

        -- timestamps
        first_captured_at,
        last_captured_at
    from window_metrics
    where grain = 'day' and part = 'section'
)

select * from final
