-- What went lately, in the whole market (public.listing_history), is asked by when listings went. dbt makes the index
-- with the table; a table that is there already gets it here. In the order of the keys that clients page by.

set lock_timeout = '5s';

do $$
begin
    if to_regclass('marts.listing_lifecycle') is not null then
        create index if not exists listing_lifecycle_gone_at_idx
        on marts.listing_lifecycle (gone_at, event_id, source_listing_id);
    end if;
end
$$;
