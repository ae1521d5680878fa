-- The listings whose days have changed since their lives were last put together: int_listing_days notes them in the
-- transaction that changes its rows, listing_lifecycle takes them away in the one that writes the lives. So a run that
-- breaks off between the two leaves a note, and a run that changes ten days looks at ten lives.
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        full_refresh=false,
        on_schema_change='fail',
        contract={'enforced': true},
    )
}}

{{ listings_of_days_before() }}
