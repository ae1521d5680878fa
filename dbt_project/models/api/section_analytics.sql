-- The API's view of section_daily. Whether a day has closed is asked when it is read.

with section_daily as (
    select * from {{ ref('section_daily') }}
),

final as (
    select
        *,
        (day + 1)::timestamp at time zone 'UTC' <= now() as is_final
    from section_daily
)

select * from final
