{#- Integer cents as dollars. -#}
{% macro dollars(cents) -%}
    ({{ cents }} / 100.0)::numeric(12, 2)
{%- endmacro %}


{#- total ÷ count of integers to two decimals, exact and rounded once (half up): null where the count is 0. -#}
{% macro exact_mean(total, count) -%}
    (div(200 * ({{ total }})::numeric + {{ count }}, 2 * nullif({{ count }}, 0)) / 100)::numeric(12, 2)
{%- endmacro %}


{#- The same for a total in cents, in dollars. -#}
{% macro exact_mean_dollars(total_cents, count) -%}
    (div(2 * ({{ total_cents }})::numeric + {{ count }}, 2 * nullif({{ count }}, 0)) / 100)::numeric(12, 2)
{%- endmacro %}
