{#- What a listing is and how many tickets it has, as the API says it. -#}
{% macro listing_columns() -%}
    source_listing_id,
    zone_id,
    section_id,
    section,
    seat_row,
    seat_low,
    seat_high,
    delivery,
    notes,
    quantity::integer as quantity,
    splits::integer[] as splits,
    2 = any(splits) as can_be_pair,
    {{ dollars('face_value_cents') }} as face_value
{%- endmacro %}
