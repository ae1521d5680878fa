-- The newest capture of every event.
{{
    config(
        incremental_strategy='replace_windows',
        grain='latest',
        unique_key='event_id',
        tags=['ledger'],
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

        -- numerics
        listings_close as listings,
        tickets_close as tickets,
        get_in_close as get_in,
        price_p25,
        price_median,
        price_p75,
        price_avg,
        price_avg_trimmed,
        price_max,
        all_in_get_in_close as all_in_get_in,
        all_in_price_p25,
        all_in_price_median,
        all_in_price_p75,
        all_in_price_avg,
        all_in_price_avg_trimmed,
        all_in_price_max,
        pair_get_in,

        -- timestamps
        last_captured_at as captured_at
    from window_metrics
    where grain = 'latest'
)

select * from final
