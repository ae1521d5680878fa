-- What the roles of the Data API may reach below its views and functions, and for how long they may ask.
-- The views and functions themselves, and their grants, are dbt's.

-- Time-outs ----------------------------------------------------------------------------------------------------------
-- PostgREST, and the local server, apply the setting of a request's role to its transaction. Hosted Supabase has these
-- values from the start; where these roles belong to somebody else, whoever that is has set them.

do $$
declare
    v_role name;
    v_timeout text;
begin
    for v_role, v_timeout in values ('anon', '3s'), ('authenticated', '8s'), ('authenticator', '8s') loop
        begin
            execute format('alter role %I set statement_timeout = %L', v_role, v_timeout);
        exception
            when insufficient_privilege then
                raise notice 'may not set the statement time-out of %, which stays as it is', v_role;
        end;
    end loop;
end
$$;

-- Listings and their history: authenticated and service_role ---------------------------------------------------------
-- Functions of the API ask with the rights of the request's role. Those that read listings need the columns from which
-- raw.listing_states puts books together, and nothing of how a capture was fetched.

grant usage on schema raw to authenticated, service_role;

grant select (
    event_id, captured_at, change_count, listing_key, quantity, price_cents, all_in_cents, source_listing_id,
    placement_id, terms_id, seat_low, seat_high
) on raw.snapshots to authenticated, service_role;
grant select on raw.keyframes to authenticated, service_role;
grant select on raw.placements to authenticated, service_role;
grant select on raw.terms to authenticated, service_role;
grant select (event_id, captured_at) on raw.heads to authenticated, service_role;
grant execute on function raw.listing_states(bigint, timestamptz, timestamptz) to authenticated, service_role;
grant execute on function raw.listings_at(bigint, timestamptz) to authenticated, service_role;
grant execute on function raw.listing_changes(bigint, timestamptz, timestamptz) to authenticated, service_role;

alter table raw.snapshots enable row level security;
create policy listings_are_read on raw.snapshots for select to authenticated, service_role using (true);
alter table raw.keyframes enable row level security;
create policy listings_are_read on raw.keyframes for select to authenticated, service_role using (true);
alter table raw.placements enable row level security;
create policy listings_are_read on raw.placements for select to authenticated, service_role using (true);
alter table raw.terms enable row level security;
create policy listings_are_read on raw.terms for select to authenticated, service_role using (true);
alter table raw.heads enable row level security;
create policy listings_are_read on raw.heads for select to authenticated, service_role using (true);

-- Operations: service_role -------------------------------------------------------------------------------------------

grant select on raw.tracked_events to service_role;
grant select (event_id, attempted_at, kind, message, was_retried) on raw.scrape_failures to service_role;
grant select (event_id, hour_at, marked_at) on raw.stale_hours to service_role;

alter table raw.tracked_events enable row level security;
create policy operations_are_read on raw.tracked_events for select to service_role using (true);
alter table raw.scrape_failures enable row level security;
create policy operations_are_read on raw.scrape_failures for select to service_role using (true);
alter table raw.stale_hours enable row level security;
create policy operations_are_read on raw.stale_hours for select to service_role using (true);

-- Aggregates of a book: everybody ------------------------------------------------------------------------------------
-- anon reads aggregates of any past book, and no listing. So the one thing between them is a function with its owner's
-- rights, in a schema that the API does not serve: it tells how many listings there are at which price, by zone and by
-- whether a pair can be bought, and never which listings.

create schema aggregates;
comment on schema aggregates is
'Sums over listings for those who may not read listings. Not served by the Data API; functions of public ask here.';
grant usage on schema aggregates to anon, authenticated, service_role;

create function aggregates.prices_at(p_event_id bigint, p_at timestamptz)
returns table (
    captured_at timestamptz,
    zone_id text,
    can_be_pair boolean,
    price_cents integer,
    all_in_cents integer,
    listings bigint,
    tickets bigint
)
language sql stable parallel safe security definer
set search_path = ''
as $$
    select
        l.captured_at,
        l.zone_id,
        2::smallint = any(l.splits) as can_be_pair,
        l.price_cents,
        l.all_in_cents,
        count(*) as listings,
        sum(l.quantity) as tickets
    from raw.listings_at(p_event_id, p_at) as l
    group by 1, 2, 3, 4, 5;
$$;
comment on function aggregates.prices_at is
'The book of an event as its newest capture at or before p_at saw it: listings and tickets by zone, price, all-in price and whether a pair can be bought. No row where there is no capture, or no listing in it.';
revoke execute on function aggregates.prices_at(bigint, timestamptz) from public;
grant execute on function aggregates.prices_at(bigint, timestamptz) to anon, authenticated, service_role;

-- The newest capture is known where its book is empty, too.
create function aggregates.newest_capture_at(p_event_id bigint, p_at timestamptz)
returns timestamptz
language sql stable parallel safe security definer
set search_path = ''
as $$
    select s.captured_at
    from raw.snapshots as s
    where s.event_id = p_event_id and s.captured_at <= p_at
    order by s.captured_at desc
    limit 1;
$$;
comment on function aggregates.newest_capture_at is
'When the event was last captured at or before p_at; null where it was not.';
revoke execute on function aggregates.newest_capture_at(bigint, timestamptz) from public;
grant execute on function aggregates.newest_capture_at(bigint, timestamptz) to anon, authenticated, service_role;

create function aggregates.zones_at(p_event_id bigint, p_at timestamptz)
returns table (zone_id text, zone_name text)
language sql stable parallel safe security definer
set search_path = ''
as $$
    with seating as (
        select s.document
        from raw.seating as s
        where s.event_id = p_event_id and s.observed_at <= p_at
        order by s.observed_at desc
        limit 1
    )

    select distinct on (zone.element ->> 'id')
        zone.element ->> 'id' as zone_id,
        zone.element ->> 'name' as zone_name
    from seating as s
    cross join lateral jsonb_array_elements(s.document -> 'zones') as zone (element)
    where zone.element ->> 'id' is not null
    order by zone.element ->> 'id', zone.element ->> 'name';
$$;
comment on function aggregates.zones_at is
'The zones of an event and their names, as its seating was at p_at. A zone of a listing need not be among them.';
revoke execute on function aggregates.zones_at(bigint, timestamptz) from public;
grant execute on function aggregates.zones_at(bigint, timestamptz) to anon, authenticated, service_role;
