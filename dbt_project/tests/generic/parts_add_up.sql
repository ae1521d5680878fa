{#-
Windows of an event whose zones or sections, those without an id included, do not add up to it.

Only what is counted at one capture, or at each step, adds up: books at the first and the last capture, and flows, each
of which counts in one part. Means add up before they are rounded and no longer afterwards; prices do not add up at all;
`captures` are those of the event in every part. A window in which no part has a row (nothing was on sale and nothing
happened) has nothing to add up and is not looked at.

The test's own condition holds for the event's windows, too: all of them would be the longer to read the longer history is.
-#}
{% test parts_add_up(model, whole, window_column) %}
    {%- set summed = [
        'listings_open', 'listings_close', 'tickets_open', 'tickets_close', 'listings_added', 'listings_gone',
        'listings_relisted', 'listings_repriced_up', 'listings_repriced_down', 'tickets_gone', 'tickets_sold_est',
        'sold_value_est',
    ] -%}
    with parts as (
        select
            {% for metric in summed -%}
            sum({{ metric }}) as {{ metric }},
            {% endfor -%}
            event_id,
            {{ window_column }}
        from {{ model }}
        group by event_id, {{ window_column }}
    ),

    wholes as (
        select * from {{ whole }}
        where {{ config.get('where') or 'true' }}
    )

    select parts.*
    from parts
    inner join wholes as whole using (event_id, {{ window_column }})
    where
        (parts.{{ summed | join(', parts.') }}) is distinct from
        (whole.{{ summed | join(', whole.') }})
{% endtest %}
