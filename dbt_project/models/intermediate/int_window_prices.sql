-- The distribution of the pre-fee and of the all-in prices of a window and part, each observation once. Observations
-- are counted by price, not spelled out; ceil(p × n) in double precision is the row that PostgreSQL's percentile_disc
-- takes.

with parts as (
    select * from {{ ref('int_parts') }}
),

window_states as not materialized (
    select * from {{ ref('int_window_states') }}
),

priced as (
    select
        window_number,
        part_number,
        false as is_all_in,
        price_cents as cents,
        capture_count,
        can_be_pair
    from window_states
    union all
    select
        window_number,
        part_number,
        true as is_all_in,
        all_in_cents as cents,
        capture_count,
        can_be_pair
    from window_states
    where all_in_cents is not null
),

-- In the order of the distributions, so that nothing is sorted twice, nor hashed: few prices are equal.
sorted as (
    select *
    from priced
    order by window_number, part_number, is_all_in, cents
),

counted as (
    select
        window_number,
        part_number,
        is_all_in,
        cents,
        sum(capture_count)::integer as observations,
        bool_or(can_be_pair) as has_pair
    from sorted
    group by window_number, part_number, is_all_in, cents
),

cumulated as (
    select
        *,
        sum(observations) over distribution as observations_up_to,
        sum(observations) over everything as observations_in_all
    from counted
    window
        everything as (partition by window_number, part_number, is_all_in),
        distribution as (
            partition by window_number, part_number, is_all_in
            order by cents
            rows unbounded preceding
        )
),

ranked as (
    select
        *,
        ceil(0.05::double precision * observations_in_all)::bigint as p05_row,
        ceil(0.25::double precision * observations_in_all)::bigint as p25_row,
        ceil(0.5::double precision * observations_in_all)::bigint as median_row,
        ceil(0.75::double precision * observations_in_all)::bigint as p75_row,
        ceil(0.95::double precision * observations_in_all)::bigint as p95_row
    from cumulated
),

judged as (
    select
        *,
        observations_up_to >= p05_row and observations_up_to - observations < p95_row as is_within_p05_and_p95
    from ranked
),

distributions as (
    select
        window_number,
        part_number,
        is_all_in,
        sum(observations) as observations,
        sum(observations * cents::bigint) as total_cents,
        sum(observations) filter (where is_within_p05_and_p95) as trimmed_observations,
        sum(observations * cents::bigint) filter (where is_within_p05_and_p95) as trimmed_total_cents,
        min(cents) filter (where observations_up_to >= p25_row) as p25_cents,
        min(cents) filter (where observations_up_to >= median_row) as median_cents,
        min(cents) filter (where observations_up_to >= p75_row) as p75_cents,
        max(cents) as max_cents,
        min(cents) filter (where has_pair) as pair_get_in_cents
    from judged
    group by window_number, part_number, is_all_in
),

final as (
    select
        -- ids
        distributions.window_number,
        parts.part_id,

        -- strings
        parts.part,
        case when distributions.is_all_in then 'all_in' else 'price' end as kind,

        -- numerics
        distributions.observations,
        distributions.total_cents,
        distributions.trimmed_observations,
        distributions.trimmed_total_cents,
        distributions.p25_cents,
        distributions.median_cents,
        distributions.p75_cents,
        distributions.max_cents,
        distributions.pair_get_in_cents
    from distributions
    inner join parts on distributions.part_number = parts.part_number
)

select * from final
