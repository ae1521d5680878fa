-- The zones of every version of an event's seating.

with source as (
    select * from {{ source('raw', 'seating') }}
),

zones as (
    select
        source.event_id,
        source.observed_at,
        zone.document
    from source
    cross join lateral jsonb_path_query(source.document, '$.zones[*]') as zone (document)
),

renamed as (
    select
        -- ids
        event_id,
        {{ lenient_text("document ->> 'id'") }} as zone_id,

        -- strings
        {{ lenient_text("document ->> 'name'") }} as zone_name,

        -- timestamps
        observed_at
    from zones
)

select * from renamed
