-- The performers of every version of a production, in the marketplace's order.

with source as (
    select * from {{ source('raw', 'productions') }}
),

performers as (
    select
        source.event_id,
        source.observed_at,
        performer.document,
        performer.position
    from source
    cross join lateral jsonb_path_query(source.document, '$.performers[*]') with ordinality
        as performer (document, position)
),

renamed as (
    select
        -- ids
        event_id,
        {{ lenient_bigint("document ->> 'id'") }} as performer_id,
        {{ lenient_bigint("document #>> '{category,id}'") }} as category_id,

        -- strings
        {{ lenient_text("document ->> 'name'") }} as performer_name,
        {{ lenient_text("document #>> '{category,name}'") }} as category_name,

        -- numerics
        position::integer as billing_position,

        -- booleans
        {{ lenient_boolean("document ->> 'master'") }} as is_master,

        -- timestamps
        observed_at
    from performers
)

select * from renamed
