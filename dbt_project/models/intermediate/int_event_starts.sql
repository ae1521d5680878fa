-- The start of every event as the marts last used it. Sold estimates end there, so a start that moves makes hours
-- stale: the strategy marks them in the transaction that changes the row.
-- depends_on: {{ ref('stg_raw__snapshots') }}
{{
    config(
        materialized='incremental',
        incremental_strategy='replace_starts',
        unique_key='event_id',
        full_refresh=false,
        on_schema_change='fail',
        contract={'enforced': true},
    )
}}

with productions as (
    select * from {{ ref('stg_raw__productions') }}
),

final as (
    select distinct on (event_id)
        event_id,
        starts_at
    from productions
    order by event_id asc, observed_at desc
)

select * from final
