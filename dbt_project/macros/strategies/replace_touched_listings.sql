{#-
Incremental strategy of listing_lifecycle: the rows of the listings whose days have changed are replaced; under
--full-refresh every row is. Which listings those are stands in a table of its own, whose statistics tell the planner how
few they are.
-#}
{% macro get_incremental_replace_touched_listings_sql(arg_dict) %}
    {% set touched %}
        create temporary table touched_listings on commit drop as
        {{ touched_listings() }};
        analyze touched_listings;
    {% endset %}
    {% set rows = replace_rows(
        target=arg_dict['target_relation'],
        source=arg_dict['temp_relation'],
        columns=arg_dict['dest_columns'],
        key=arg_dict['unique_key'],
        scope='true' if flags.FULL_REFRESH else (
            '(t.event_id, t.source_listing_id) in (select l.event_id, l.source_listing_id from touched_listings as l)'
        )
    ) %}
    {% do return(rows if flags.FULL_REFRESH else touched ~ rows) %}
{% endmacro %}
