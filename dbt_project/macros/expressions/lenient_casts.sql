{#-
Casts of what a marketplace says, where any value may be missing, of another type or nonsense: such a value is null.
One malformed document must never fail the build of every event.
-#}

{% macro lenient_bigint(value) -%}
    substring({{ value }} from '^\s*([0-9]{1,18})\s*$')::bigint
{%- endmacro %}


{% macro lenient_float(value) -%}
    substring({{ value }} from '^\s*(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)\s*$')::double precision
{%- endmacro %}


{% macro lenient_boolean(value) -%}
    case lower({{ value }}) when 'true' then true when '1' then true when 'false' then false when '0' then false end
{%- endmacro %}


{#- The clock on the wall of an ISO 8601 date and time: its offset is left out. -#}
{% macro lenient_wall_clock(value) -%}
    (jsonb_path_query_first_tz(
        to_jsonb(substring({{ value }} from '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d')),
        '$.datetime()', '{}', true
    ) #>> '{}')::timestamp
{%- endmacro %}


{#- Text without blanks around it; null where nothing is left. -#}
{% macro lenient_text(value) -%}
    nullif(btrim({{ value }}), '')
{%- endmacro %}
