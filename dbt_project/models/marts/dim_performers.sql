-- Every performer that a production names. Each column is the newest word on it that is not empty.
{{
    config(
        incremental_strategy='replace_all',
        unique_key='performer_id',
    )
}}

with mentions as (
    select
        *,
        1 as precedence
    from {{ ref('stg_raw__performers') }}
    where performer_id is not null
),

final as (
    select
        -- ids
        performer_id,
        {{ newest_word('category_id') }} as category_id,

        -- strings
        {{ newest_word('performer_name') }} as performer_name,
        {{ newest_word('category_name') }} as category_name
    from mentions
    group by performer_id
)

select * from final
