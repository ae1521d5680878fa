-- The API's view of section_daily, with the sections' names. Whether a day has closed is asked when it is read.

with section_daily as (
    select * from {{ ref('section_daily') }}
),

sections as (
    select * from {{ ref('dim_sections') }}
),

final as (
    select
        section_daily.*,
        sections.section_name,
        (section_daily.day + 1)::timestamp at time zone 'UTC' <= now() as is_final
    from section_daily
    left join sections
        on section_daily.event_id = sections.event_id and section_daily.section_id = sections.section_id
)

select * from final
