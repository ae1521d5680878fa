-- Every zone that an event's seating has ever named, by the newest word that is not empty: a zone that has left the map
-- keeps its name for the hours that have it.
{{
    config(
        incremental_strategy='replace_seated_events',
        unique_key=['event_id', 'zone_id'],
        tags=['ledger'],
    )
}}
-- depends_on: {{ ref('stg_raw__seating') }}
-- depends_on: {{ ref('int_claimed_marks') }}

with mentions as (
    select
        *,
        1 as precedence
    from {{ ref('stg_raw__zones') }}
    where
        zone_id is not null
        {% if is_incremental() and not flags.FULL_REFRESH -%}
        and event_id in ({{ seated_events() }})
        {%- endif %}
),

final as (
    select
        -- ids
        event_id,
        zone_id,

        -- strings
        {{ newest_word('zone_name') }} as zone_name
    from mentions
    group by event_id, zone_id
)

select * from final
