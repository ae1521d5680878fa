-- Every performer, with the events that it performs in.
-- Without CTEs: macros/materializations/stable_view.sql says why.

select
    -- ids
    performers.performer_id,
    performers.category_id,

    -- strings
    performers.performer_name,
    performers.category_name,

    -- events
    array(
        select event_performers.event_id
        from {{ ref('event_performers') }} as event_performers
        where event_performers.performer_id = performers.performer_id
        order by event_performers.event_id
    ) as event_ids
from {{ ref('dim_performers') }} as performers
