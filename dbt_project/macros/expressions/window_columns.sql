{#- The metrics of a window with the instants of its first and last capture, as hours and days both have them. -#}
{% macro window_columns() -%}
    {{ metric_columns() }},
        first_captured_at,
        last_captured_at
{%- endmacro %}
