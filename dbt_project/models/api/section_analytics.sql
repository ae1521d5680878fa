-- The API's view of section_daily, with the sections' names. Whether a day has closed is asked when it is read.
-- Without CTEs: macros/materializations/stable_view.sql says why.

select
    section_daily.*,
    sections.section_name,
    (section_daily.day + 1)::timestamp at time zone 'UTC' <= now() as is_final
from {{ ref('section_daily') }} as section_daily
left join {{ ref('dim_sections') }} as sections
    on section_daily.event_id = sections.event_id and section_daily.section_id = sections.section_id
