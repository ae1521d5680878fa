{#-
Windows of an event whose zones or sections, those without an id included, do not add up to it.
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
    )

    select parts.*
    from parts
    inner join {{ whole }} as whole using (event_id, {{ window_column }})
    where
        (parts.{{ summed | join(', parts.') }}) is distinct from
        (whole.{{ summed | join(', whole.') }})
{% endtest %}
