{#- Of several mentions of a thing, the newest value that is not missing. -#}
{% macro newest_word(value) -%}
    (array_agg({{ value }} order by precedence asc, observed_at desc, event_id asc) filter (where {{ value }} is not null))[1]
{%- endmacro %}
