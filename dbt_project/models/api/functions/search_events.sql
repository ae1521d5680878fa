-- Events whose name, venue or place have every word that is looked for: upcoming ones first, the soonest at the top.

with asked as (
    select
        p_q as q,
        p_after_event_id as after_event_id
),

words as (
    select distinct split.word
    from asked
    cross join regexp_split_to_table(lower(asked.q), '\s+') as split (word)
    where split.word <> ''
),

events as (
    select * from {{ ref('events') }}
),

live as (
    select * from {{ ref('event_live') }}
),

described as (
    select
        *,
        lower(concat_ws(' ', event_name, venue_name, city, state, country_code)) as description
    from events
    where not is_hidden
),

-- Words are compared as they are, never as patterns: % and _ mean themselves.
found as (
    select
        described.*,
        row_number() over (
            order by
                coalesce(described.starts_at < now(), false) asc,
                abs(extract(epoch from described.starts_at - now())) asc nulls last,
                described.event_id asc
        ) as place
    from described
    where not exists (
        select
        from words
        where strpos(described.description, words.word) = 0
    )
),

last_seen as (
    select found.place
    from asked
    inner join found on asked.after_event_id = found.event_id
),

final as (
    select
        -- ids
        found.event_id,
        found.venue_id,
        found.category_id,

        -- strings
        found.event_name,
        found.venue_name,
        found.city,
        found.state,
        found.country_code,
        found.timezone,

        -- numerics
        live.listings,
        live.tickets,
        live.get_in,
        live.all_in_get_in,

        -- booleans
        found.is_tracked,

        -- timestamps
        found.starts_at,
        found.starts_at_local,
        live.captured_at
    from found
    cross join asked
    left join live on found.event_id = live.event_id
    where asked.after_event_id is null or found.place > (select last_seen.place from last_seen)
    order by found.place
    limit p_max_events
)

select * from final
