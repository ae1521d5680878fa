-- The metrics of every event on every UTC day that has a capture of it.
{{
    config(
        incremental_strategy='replace_windows',
        grain='day',
        unique_key=['event_id', 'day'],
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

        -- numerics
        {{ metric_columns() }},

        -- timestamps
        first_captured_at,
        last_captured_at
    from window_metrics
    where grain = 'day' and part = 'event'
)

select * from final
