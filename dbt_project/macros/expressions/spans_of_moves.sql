{#- How far back the newest capture of an event is compared: what the columns are called by, and the interval. -#}
{% macro spans_of_moves() -%}
    {% do return([('1h', '1 hour'), ('24h', '24 hours'), ('7d', '168 hours')]) %}
{%- endmacro %}
