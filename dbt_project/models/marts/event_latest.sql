-- The newest capture of every event, and what has moved since. It is compared with the last capture of the UTC hour
-- that holds the instant an hour, a day or a week before it; where that hour has no row there is nothing to compare
-- it with.
{{
    config(
        incremental_strategy='replace_windows',
        grain='latest',
        unique_key='event_id',
        tags=['ledger'],
        meta={'is_published': true},
    )
}}
-- depends_on: {{ ref('int_windows') }}

with window_metrics as (
    select * from {{ ref('int_window_metrics') }}
),

-- Joined three times, and not materialized: that would be the whole mart, where an index gives three rows an event.
-- Over 120 days of 1,000 events it was 7 of a run's 25 seconds.
event_hourly as not materialized (
    select * from {{ ref('event_hourly') }}
),

latest as (
    select
        {% for name, span in spans_of_moves() -%}
        date_trunc('hour', last_captured_at - interval '{{ span }}', 'UTC') as hour_{{ name }}_before,
        {% endfor -%}
        *
    from window_metrics
    where grain = 'latest'
),

final as (
    select
        -- ids
        latest.event_id,

        -- numerics
        latest.listings_close as listings,
        latest.tickets_close as tickets,
        latest.get_in_close as get_in,
        latest.price_p25,
        latest.price_median,
        latest.price_p75,
        latest.price_avg,
        latest.price_avg_trimmed,
        latest.price_max,
        latest.all_in_get_in_close as all_in_get_in,
        latest.all_in_price_p25,
        latest.all_in_price_median,
        latest.all_in_price_p75,
        latest.all_in_price_avg,
        latest.all_in_price_avg_trimmed,
        latest.all_in_price_max,
        latest.pair_get_in,
        {% for name, _ in spans_of_moves() -%}
        (latest.listings_close - before_{{ name }}.listings_close) as listings_change_{{ name }},
        (latest.tickets_close - before_{{ name }}.tickets_close) as tickets_change_{{ name }},
        (latest.get_in_close - before_{{ name }}.get_in_close)::numeric(12, 2) as get_in_change_{{ name }},
        (latest.price_median - before_{{ name }}.price_median)::numeric(12, 2) as price_median_change_{{ name }},
        {% endfor %}
        -- timestamps
        latest.last_captured_at as captured_at
    from latest
    {% for name, _ in spans_of_moves() -%}
    left join event_hourly as before_{{ name }}
        on latest.event_id = before_{{ name }}.event_id and latest.hour_{{ name }}_before = before_{{ name }}.hour
    {% endfor -%}
)

select * from final
