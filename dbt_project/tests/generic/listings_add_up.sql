{#-
Windows whose last book is not the last book of the event's window before, plus what was added, minus what is gone.
Events with stale windows are left out: they need not add up until those are rebuilt.
-#}
{% test listings_add_up(model, window_column) %}
    with in_order as (
        select
            event_id,
            {{ window_column }},
            listings_close,
            listings_added,
            listings_gone,
            lag(listings_close) over (partition by event_id order by {{ window_column }}) as listings_before
        from {{ model }}
        where event_id not in (select s.event_id from {{ ref('stg_raw__stale_hours') }} as s)
    )

    select *
    from in_order
    where listings_before + listings_added - listings_gone <> listings_close
{% endtest %}
