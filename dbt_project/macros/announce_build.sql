{#-
End of a run: tell whoever keeps answers of the API that the marts are others now. The local API listens; on a hosted
project nobody does, which costs nothing.
-#}
{% macro announce_build() %}
    {% if execute and flags.WHICH in ['run', 'build'] %}
        notify ticketmarts_built;
    {% endif %}
{% endmacro %}
