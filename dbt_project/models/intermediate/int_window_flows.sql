-- The flows of every window, of the whole event and of each part that is measured; no row where nothing happened.

with windows as (
    select * from {{ ref('int_windows') }}
),

flows as (
    select * from {{ ref('int_listing_flows') }}
),

final as (
    select
        -- ids
        windows.window_number,
        parts.part_id,

        -- strings
        parts.part,

        -- numerics
        count(*) filter (where flows.is_added)::integer as listings_added,
        count(*) filter (where flows.is_gone)::integer as listings_gone,
        count(*) filter (where flows.is_relisted)::integer as listings_relisted,
        count(*) filter (where flows.is_repriced_up)::integer as listings_repriced_up,
        count(*) filter (where flows.is_repriced_down)::integer as listings_repriced_down,
        sum(flows.tickets_gone)::integer as tickets_gone,
        sum(flows.tickets_sold_est)::integer as tickets_sold_est,
        sum(flows.tickets_sold_est * flows.price_cents_before::bigint) as sold_value_est_cents
    from windows
    inner join flows
        on
            windows.read_number = flows.read_number
            and flows.captured_at >= windows.window_start_at
            and flows.captured_at < windows.window_end_at
    cross join {{ parts_of('flows') }} as parts (part, part_id)
    where
        {{ is_measured('parts.part', 'windows.grain') }}
        -- Another all-in price, more tickets or a new place are no flow.
        and (
            flows.is_added or flows.is_gone or flows.is_relisted
            or flows.is_repriced_up or flows.is_repriced_down
            or flows.tickets_gone > 0
        )
    group by windows.window_number, parts.part, parts.part_id
)

select * from final
