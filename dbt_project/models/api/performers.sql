-- Every performer, with the events that it performs in.

with performers as (
    select * from {{ ref('dim_performers') }}
),

event_performers as (
    select * from {{ ref('event_performers') }}
),

final as (
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
            from event_performers
            where event_performers.performer_id = performers.performer_id
            order by event_performers.event_id
        ) as event_ids
    from performers
)

select * from final
