-- Every metric of the contract for every window that this run rebuilds and that has a capture.

with windows as (
    select * from {{ ref('int_windows') }}
),

captures as (
    select * from {{ ref('int_capture_metrics') }}
),

prices as (
    select * from {{ ref('int_window_prices') }}
),

window_captures as (
    select
        windows.window_number,
        windows.grain,
        windows.event_id,
        windows.window_start_at,
        windows.window_end_at,
        count(*) as captures,
        (array_agg(captures.interval_seconds order by captures.captured_at desc))[1] as interval_seconds,
        min(captures.captured_at) as first_captured_at,
        max(captures.captured_at) as last_captured_at,
        {% for counted in ['listing', 'ticket'] -%}
        sum(captures.{{ counted }}_count) as {{ counted }}s_total,
        (array_agg(captures.{{ counted }}_count order by captures.captured_at))[1] as {{ counted }}s_open,
        (array_agg(captures.{{ counted }}_count order by captures.captured_at desc))[1] as {{ counted }}s_close,
        {% endfor -%}
        {% for prefix in ['', 'all_in_'] -%}
        (
            array_agg(captures.{{ prefix }}get_in_cents order by captures.captured_at)
            filter (where captures.{{ prefix }}get_in_cents is not null)
        )[1] as {{ prefix }}get_in_open_cents,
        max(captures.{{ prefix }}get_in_cents) as {{ prefix }}get_in_high_cents,
        min(captures.{{ prefix }}get_in_cents) as {{ prefix }}get_in_low_cents,
        (
            array_agg(captures.{{ prefix }}get_in_cents order by captures.captured_at desc)
            filter (where captures.{{ prefix }}get_in_cents is not null)
        )[1] as {{ prefix }}get_in_close_cents,
        {% endfor -%}
        sum(captures.listings_added) as listings_added,
        sum(captures.listings_gone) as listings_gone,
        sum(captures.listings_relisted) as listings_relisted,
        sum(captures.listings_repriced_up) as listings_repriced_up,
        sum(captures.listings_repriced_down) as listings_repriced_down,
        sum(captures.tickets_gone) as tickets_gone,
        sum(captures.tickets_sold_est) as tickets_sold_est,
        sum(captures.sold_value_est_cents) as sold_value_est_cents
    from windows
    inner join captures
        on
            windows.read_number = captures.read_number
            and captures.captured_at >= windows.window_start_at
            and captures.captured_at < windows.window_end_at
    group by
        windows.window_number, windows.grain, windows.event_id, windows.window_start_at, windows.window_end_at
),

final as (
    select
        -- ids
        w.window_number,
        w.event_id,

        -- strings
        w.grain,

        -- numerics
        w.captures::integer as captures,
        round(
            extract(epoch from w.window_end_at - w.window_start_at) / w.interval_seconds
        )::integer as captures_expected,
        {% for counted in ['listings', 'tickets'] -%}
        {{ exact_mean('w.' ~ counted ~ '_total', 'w.captures') }} as {{ counted }}_avg,
        w.{{ counted }}_open,
        w.{{ counted }}_close,
        {% endfor -%}
        {% for prefix, kind in [('', 'price'), ('all_in_', 'all_in')] -%}
        {{ dollars('w.' ~ prefix ~ 'get_in_open_cents') }} as {{ prefix }}get_in_open,
        {{ dollars('w.' ~ prefix ~ 'get_in_high_cents') }} as {{ prefix }}get_in_high,
        {{ dollars('w.' ~ prefix ~ 'get_in_low_cents') }} as {{ prefix }}get_in_low,
        {{ dollars('w.' ~ prefix ~ 'get_in_close_cents') }} as {{ prefix }}get_in_close,
        {{ dollars(kind ~ '.p25_cents') }} as {{ prefix }}price_p25,
        {{ dollars(kind ~ '.median_cents') }} as {{ prefix }}price_median,
        {{ dollars(kind ~ '.p75_cents') }} as {{ prefix }}price_p75,
        {{ exact_mean_dollars(kind ~ '.total_cents', kind ~ '.observations') }} as {{ prefix }}price_avg,
        {{ exact_mean_dollars(kind ~ '.trimmed_total_cents', kind ~ '.trimmed_observations') }}
            as {{ prefix }}price_avg_trimmed,
        {{ dollars(kind ~ '.max_cents') }} as {{ prefix }}price_max,
        {% endfor -%}
        {{ dollars('price.pair_get_in_cents') }} as pair_get_in,
        {% for flow in [
            'listings_added', 'listings_gone', 'listings_relisted', 'listings_repriced_up', 'listings_repriced_down',
            'tickets_gone', 'tickets_sold_est',
        ] -%}
        w.{{ flow }}::integer as {{ flow }},
        {% endfor -%}
        (w.sold_value_est_cents / 100.0)::numeric(16, 2) as sold_value_est,

        -- timestamps
        w.window_start_at,
        w.first_captured_at,
        w.last_captured_at
    from window_captures as w
    left join prices as price on w.window_number = price.window_number and price.kind = 'price'
    left join prices as all_in on w.window_number = all_in.window_number and all_in.kind = 'all_in'
)

select * from final
