{#-
Incremental strategy of int_listing_days: as replace_windows, and a listing that loses or gains a row is noted in
int_changed_listings.
-#}
{% macro get_incremental_replace_listing_days_sql(arg_dict) %}
    {% do return(replace_rows(
        target=arg_dict['target_relation'],
        source=arg_dict['temp_relation'],
        columns=arg_dict['dest_columns'],
        key=arg_dict['unique_key'],
        scope=told_rows('day') if flags.FULL_REFRESH else rebuilt_rows('day'),
        noted_in=ref('int_changed_listings')
    )) %}
{% endmacro %}


{#- The listings of days that were made without a strategy, as the first ones are. -#}
{% macro note_listings_of_first_days() %}
    {% if not is_incremental() %}
        insert into {{ ref('int_changed_listings') }} (event_id, source_listing_id)
        select
            event_id,
            source_listing_id
        from {{ this }}
        on conflict do nothing
    {% endif %}
{% endmacro %}
