-- Every venue that an event names. Each column is the newest word on it that is not empty; a production's own word
-- counts before that of the listings' seating.
{{
    config(
        incremental_strategy='replace_all',
        unique_key='venue_id',
    )
}}

with productions as (
    select * from {{ ref('stg_raw__productions') }}
),

seating as (
    select * from {{ ref('stg_raw__seating') }}
),

mentions as (
    select
        venue_id,
        event_id,
        venue_name,
        address,
        city,
        state,
        postal_code,
        country_code,
        timezone,
        capacity,
        latitude,
        longitude,
        1 as precedence,
        observed_at
    from productions
    where venue_id is not null
    union all
    select
        venue_id,
        event_id,
        venue_name,
        address,
        null as city,
        state,
        null as postal_code,
        country_code,
        timezone,
        capacity,
        null as latitude,
        null as longitude,
        2 as precedence,
        observed_at
    from seating
    where venue_id is not null
),

final as (
    select
        -- ids
        venue_id,

        -- strings
        {{ newest_word('venue_name') }} as venue_name,
        {{ newest_word('address') }} as address,
        {{ newest_word('city') }} as city,
        {{ newest_word('state') }} as state,
        {{ newest_word('postal_code') }} as postal_code,
        {{ newest_word('country_code') }} as country_code,
        {{ newest_word('timezone') }} as timezone,

        -- numerics
        {{ newest_word('capacity') }} as capacity,
        {{ newest_word('latitude') }} as latitude,
        {{ newest_word('longitude') }} as longitude
    from mentions
    group by venue_id
)

select * from final
