-- The metrics of every event in every UTC hour that has a capture of it.
{{
    config(
        incremental_strategy='replace_windows',
        grain='hour',
        unique_key=['event_id', 'hour'],
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
        window_start_at as hour,

        -- numerics
        captures,
        captures_expected,
        listings_avg,
        listings_open,
        listings_close,
        tickets_avg,
        tickets_open,
        tickets_close,
        get_in_open,
        get_in_high,
        get_in_low,
        get_in_close,
        price_p25,
        price_median,
        price_p75,
        price_avg,
        price_avg_trimmed,
        price_max,
        all_in_get_in_open,
        all_in_get_in_high,
        all_in_get_in_low,
        all_in_get_in_close,
        all_in_price_p25,
        all_in_price_median,
        all_in_price_p75,
        all_in_price_avg,
        all_in_price_avg_trimmed,
        all_in_price_max,
        pair_get_in,
        listings_added,
        listings_gone,
        listings_relisted,
        listings_repriced_up,
        listings_repriced_down,
        tickets_gone,
        tickets_sold_est,
        sold_value_est,

        -- timestamps
        first_captured_at,
        last_captured_at
    from window_metrics
    where grain = 'hour'
)

select * from final
