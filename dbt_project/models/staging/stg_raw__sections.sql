-- The sections of every version of an event's seating.

with source as (
    select * from {{ source('raw', 'seating') }}
),

sections as (
    select
        source.event_id,
        source.observed_at,
        section.document
    from source
    cross join lateral jsonb_path_query(source.document, '$.sections[*]') as section (document)
),

renamed as (
    select
        -- ids
        event_id,
        {{ lenient_text("document ->> 'id'") }} as section_id,
        {{ lenient_text("document ->> 'zone_id'") }} as zone_id,

        -- strings
        {{ lenient_text("document ->> 'name'") }} as section_name,

        -- timestamps
        observed_at
    from sections
)

select * from renamed
