-- The spans of raw that this run reads, each once, whatever windows lie in it.

with windows as (
    select * from {{ ref('int_windows') }}
),

final as (
    select distinct
        read_number,
        event_id,
        read_start_at,
        read_end_at
    from windows
    where read_start_at is not null
)

select * from final
