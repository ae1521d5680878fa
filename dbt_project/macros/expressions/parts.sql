{#-
An event's windows are measured as a whole and in parts: hours by zone, days by section, the newest capture in none. The
metrics are written once, for a part (event, zone, section) and its id, which is empty for the whole event.
-#}
{% macro is_measured(part, grain) -%}
    ({{ part }} = 'event' or ({{ part }}, {{ grain }}) in (('zone', 'hour'), ('section', 'day')))
{%- endmacro %}


{#-
The parts that a row with a zone_id and a section_id lies in, as a lateral relation (part, part_id). A listing without an id
lies in the part without one, '', so that the parts of an event add up to it.
-#}
{% macro parts_of(row) -%}
    lateral (
        values
        ('event', ''),
        ('zone', coalesce({{ row }}.zone_id, '')),
        ('section', coalesce({{ row }}.section_id, ''))
    )
{%- endmacro %}
