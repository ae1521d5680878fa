-- The metrics of every zone of an event in every UTC hour in which it has an observation or a flow.
{{
    config(
        incremental_strategy='replace_windows',
        grain='hour',
        unique_key=['event_id', 'hour', 'zone_id'],
        tags=['ledger'],
        post_hook="{{ ensure_index(['hour', 'event_id']) }}",
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
        window_start_at as hour,
        part_id as zone_id,

        -- numerics
        {{ metric_columns() }},

        -- timestamps
        first_captured_at,
        last_captured_at
    from window_metrics
    where grain = 'hour' and part = 'zone'
)

select * from final
