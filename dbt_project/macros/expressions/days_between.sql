{#- Days of 24 hours from one instant to another, to two decimals; negative where the second one is earlier. -#}
{% macro days_between(from_at, to_at) -%}
    round(extract(epoch from {{ to_at }} - {{ from_at }}) / 86400, 2)::numeric(12, 2)
{%- endmacro %}
