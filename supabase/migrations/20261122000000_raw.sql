-- The schema raw: every capture of every tracked event, kept losslessly and almost entirely append-only.
-- docs/DATABASE_SCHEMA.md explains the snapshot codec; the statements that write it are in ingestion/codec/.

create schema raw;
comment on schema raw is
'What the marketplace said, losslessly: snapshots as deltas and keyframes, and what they refer to. Written by ingestion, read by dbt.';

-- What is scraped ----------------------------------------------------------------------------------------------------

create table raw.tracked_events (
    event_id bigint primary key,
    is_tracked boolean not null default true,
    interval_seconds integer not null check (interval_seconds > 0),
    added_at timestamptz not null default now(),
    production_checked_at timestamptz
);
comment on table raw.tracked_events is
'The events that are scraped, or once were (is_tracked false), with the seconds between two captures.';
comment on column raw.tracked_events.production_checked_at is 'When the marketplace was last asked about the event itself.';

create table raw.productions (
    event_id bigint not null,
    observed_at timestamptz not null,
    starts_at timestamptz,
    content_hash bigint not null,
    document jsonb not null,
    primary key (event_id, observed_at)
);
comment on table raw.productions is
'What the marketplace says of an event itself (name, date, venue, performers), without its moving numbers: a row when it changed.';

create table raw.seating (
    event_id bigint not null,
    observed_at timestamptz not null,
    content_hash bigint not null,
    document jsonb not null,
    primary key (event_id, observed_at)
);
comment on table raw.seating is
'Venue, zones and sections of an event as its listings body gives them, without their moving numbers: a row when it changed.';

-- What listings share ------------------------------------------------------------------------------------------------

create table raw.placements (
    placement_id bigint primary key,
    section text,
    seat_row text,
    zone_id text,
    section_id text
);
comment on table raw.placements is
'Where a listing is. placement_id is a 64-bit hash of the other columns, so that any process knows it without asking.';

create table raw.terms (
    terms_id bigint primary key,
    splits smallint[] not null,
    delivery text,
    notes text,
    face_value_cents integer
);
comment on table raw.terms is
'How a listing is sold: quantities it may be split into, delivery, notes, face value. terms_id is a 64-bit hash of the other columns.';

-- Snapshots ----------------------------------------------------------------------------------------------------------
-- Nine parallel arrays say what changed; one unnest() of them all gives the rows. listing_key names the listings: first
-- those that are new, then those whose quantity or price changed, last those that are gone. Each other array is as long
-- as it has something to say: quantity and the prices leave out the gone, the five from source_listing_id on say what
-- the new ones are, and seat_low and seat_high are null where no new listing names seats. all_in_cents is -1 where the
-- marketplace gave no all-in price: without nulls the array is one block for the programs that write it.

create table raw.snapshots (
    event_id bigint not null,
    captured_at timestamptz not null,
    loaded_at timestamptz not null default now(),
    content_hash bigint not null,
    run_id uuid,
    listing_count integer not null,
    ticket_count integer not null,
    change_count integer not null,
    interval_seconds integer not null,
    fetch_ms integer,
    body_bytes integer,
    http_status smallint,
    rejected_count integer not null default 0,
    listing_key integer[] not null,
    quantity smallint[] not null,
    price_cents integer[] not null,
    all_in_cents integer[] not null,
    source_listing_id text[] not null,
    placement_id bigint[] not null,
    terms_id bigint[] not null,
    seat_low text[],
    seat_high text[],
    primary key (event_id, captured_at)
) partition by range (captured_at);
comment on table raw.snapshots is
'One row a capture: what differs from the capture before it. Daily partitions by UTC day.';
comment on column raw.snapshots.interval_seconds is 'The interval in force: seconds between two captures of this event.';
comment on column raw.snapshots.rejected_count is 'Listings of the body that could not be trusted and are in raw.quarantine instead.';

create table raw.keyframes (
    event_id bigint not null,
    captured_at timestamptz not null,
    listing_key integer[] not null,
    quantity smallint[] not null,
    price_cents integer[] not null,
    all_in_cents integer[] not null,
    source_listing_id text[] not null,
    placement_id bigint[] not null,
    terms_id bigint[] not null,
    seat_low text[],
    seat_high text[],
    primary key (event_id, captured_at)
) partition by range (captured_at);
comment on table raw.keyframes is
'The whole book of a capture, in the arrays of raw.snapshots: at the first capture of each UTC day, and whenever the changes since the last one exceed three books.';

create table raw.heads (
    event_id bigint primary key,
    captured_at timestamptz,
    keyframe_at timestamptz,
    content_hash bigint,
    listing_count integer not null default 0,
    changes_since_keyframe integer not null default 0,
    next_listing_key integer not null default 1
) with (fillfactor = 50);
comment on table raw.heads is
'One row an event: its newest capture and where reading it starts. Locked, in order of event_id, by whoever writes the event.';

create function raw.ensure_partitions(p_first_day date, p_last_day date) returns void
language plpgsql
set search_path = ''
as $$
declare
    v_day date;
    v_parent text;
    v_partition text;
begin
    -- One maker at a time, and a look only with the lock held: a name looked up before is remembered as missing.
    perform pg_advisory_xact_lock(hashtext('raw.ensure_partitions'));
    for v_day in select generate_series(p_first_day, p_last_day, interval '1 day')::date loop
        foreach v_parent in array array['snapshots', 'keyframes'] loop
            v_partition := v_parent || '_' || to_char(v_day, 'YYYYMMDD');
            if not exists (
                select from pg_class as c where c.relname = v_partition and c.relnamespace = 'raw'::regnamespace
            ) then
                -- Attaching, unlike "create … partition of", does not stop readers and writers.
                execute format(
                    'create table raw.%I (like raw.%I including defaults including constraints)', v_partition, v_parent
                );
                execute format(
                    'alter table raw.%I attach partition raw.%I for values from (%L) to (%L)',
                    v_parent,
                    v_partition,
                    to_char(v_day, 'YYYY-MM-DD 00:00:00+00'),
                    to_char(v_day + 1, 'YYYY-MM-DD 00:00:00+00')
                );
            end if;
        end loop;
    end loop;
end;
$$;
comment on function raw.ensure_partitions is 'Creates the daily partitions of snapshots and keyframes for a range of UTC days, both ends included.';

-- What went wrong ----------------------------------------------------------------------------------------------------

create table raw.scrape_failures (
    event_id bigint not null,
    attempted_at timestamptz not null,
    kind text not null check (
        kind in (
            'timeout', 'connection', 'rate_limited', 'blocked', 'access_denied', 'not_found', 'server_error',
            'too_large', 'bad_payload', 'wrong_production', 'count_mismatch', 'partial_inventory',
            'wrong_currency', 'empty_unexpected'
        )
    ),
    message text not null,
    http_status smallint,
    fetch_ms integer,
    body_bytes integer,
    run_id uuid,
    primary key (event_id, attempted_at, kind)
);
comment on table raw.scrape_failures is 'Every attempt to capture an event that gave no capture, and of what kind its failure was.';

create table raw.quarantine (
    event_id bigint not null,
    captured_at timestamptz not null,
    item text not null,
    kind text not null,
    reason text not null,
    content bytea not null,
    run_id uuid,
    quarantined_at timestamptz not null default now(),
    primary key (event_id, captured_at, item)
);
comment on table raw.quarantine is
'Bodies (item = body) and single listings (item = ticket N, its place in the body) that could not be trusted; content is zstd-compressed.';

-- The ledger of stale windows ----------------------------------------------------------------------------------------

create sequence raw.stale_mark_seq;
create table raw.stale_hours (
    event_id bigint not null,
    hour_at timestamptz not null,
    mark bigint not null default nextval('raw.stale_mark_seq'),
    marked_at timestamptz not null default now(),
    primary key (event_id, hour_at)
) with (fillfactor = 50);
comment on table raw.stale_hours is
'Hours whose marts no longer say what raw says. Marked in the transaction that changes raw; a build clears the marks it has read and no others.';

create function raw.mark_stale(p_from_at timestamptz, p_to_at timestamptz) returns bigint
language sql
set search_path = ''
as $$
    with marked as (
        insert into raw.stale_hours (event_id, hour_at)
        select
            s.event_id,
            date_trunc('hour', s.captured_at, 'UTC') as hour_at
        from raw.snapshots as s
        where s.captured_at >= p_from_at and s.captured_at < p_to_at
        group by 1, 2
        order by 1, 2
        on conflict (event_id, hour_at) do update
        set mark = nextval('raw.stale_mark_seq'), marked_at = now()
        returning 1
    )

    select count(*) from marked;
$$;
comment on function raw.mark_stale is 'Marks every hour that has a capture in [p_from_at, p_to_at) stale, and says how many.';

-- Reading ------------------------------------------------------------------------------------------------------------

create function raw.listing_states(p_event_id bigint, p_from_at timestamptz, p_to_at timestamptz)
returns table (
    listing_key integer,
    source_listing_id text,
    placement_id bigint,
    terms_id bigint,
    seat_low text,
    seat_high text,
    quantity smallint,
    price_cents integer,
    all_in_cents integer,
    from_at timestamptz,
    until_at timestamptz
)
language sql stable parallel safe
set search_path = ''
as $$
    with first_capture as materialized (
        select s.captured_at
        from raw.snapshots as s
        where s.event_id = p_event_id and s.captured_at >= p_from_at and s.captured_at < p_to_at
        order by s.captured_at
        limit 1
    ),

    -- Flows of the first capture compare it with the one before, so reading starts there.
    capture_before as materialized (
        select s.captured_at
        from raw.snapshots as s
        where s.event_id = p_event_id and s.captured_at < p_from_at
        order by s.captured_at desc
        limit 1
    ),

    base as materialized (
        select k.*
        from raw.keyframes as k
        where
            k.event_id = p_event_id
            and k.captured_at <= coalesce(
                (select c.captured_at from capture_before as c), (select f.captured_at from first_capture as f)
            )
            and exists (select from first_capture)
        order by k.captured_at desc
        limit 1
    ),

    entries as (
        select
            b.captured_at,
            e.*
        from base as b
        cross join lateral unnest(
            b.listing_key, b.quantity, b.price_cents, b.all_in_cents,
            b.source_listing_id, b.placement_id, b.terms_id, b.seat_low, b.seat_high
        ) as e (
            listing_key, quantity, price_cents, all_in_cents,
            source_listing_id, placement_id, terms_id, seat_low, seat_high
        )
        union all
        select
            s.captured_at,
            e.*
        from raw.snapshots as s
        cross join lateral unnest(
            s.listing_key, s.quantity, s.price_cents, s.all_in_cents,
            s.source_listing_id, s.placement_id, s.terms_id, s.seat_low, s.seat_high
        ) as e (
            listing_key, quantity, price_cents, all_in_cents,
            source_listing_id, placement_id, terms_id, seat_low, seat_high
        )
        where
            s.event_id = p_event_id
            and s.captured_at > (select b.captured_at from base as b)
            and s.captured_at < p_to_at
    ),

    -- A listing's first entry since the keyframe says what it is: it stands in the keyframe, or it was added later.
    states as (
        select
            e.listing_key,
            first_value(e.source_listing_id) over listing as source_listing_id,
            first_value(e.placement_id) over listing as placement_id,
            first_value(e.terms_id) over listing as terms_id,
            first_value(e.seat_low) over listing as seat_low,
            first_value(e.seat_high) over listing as seat_high,
            e.quantity,
            e.price_cents,
            nullif(e.all_in_cents, -1) as all_in_cents,
            e.captured_at as from_at,
            lead(e.captured_at) over listing as until_at
        from entries as e
        window listing as (partition by e.listing_key order by e.captured_at)
    )

    select s.*
    from states as s
    cross join first_capture as f
    where s.quantity > 0 and (s.until_at is null or s.until_at >= f.captured_at);
$$;
comment on function raw.listing_states is
'The listings of an event as spans [from_at, until_at) of unchanged quantity and prices: every span that a capture in [p_from_at, p_to_at) or the capture before them saw. until_at is null where the window''s last capture still saw it; from_at is no earlier than the keyframe that reading started from.';

create function raw.listings_at(p_event_id bigint, p_at timestamptz)
returns table (
    captured_at timestamptz,
    source_listing_id text,
    section text,
    seat_row text,
    zone_id text,
    section_id text,
    seat_low text,
    seat_high text,
    splits smallint[],
    delivery text,
    notes text,
    face_value_cents integer,
    quantity smallint,
    price_cents integer,
    all_in_cents integer
)
language sql stable parallel safe
set search_path = ''
as $$
    with capture as materialized (
        select s.captured_at
        from raw.snapshots as s
        where s.event_id = p_event_id and s.captured_at <= p_at
        order by s.captured_at desc
        limit 1
    )

    select
        c.captured_at,
        l.source_listing_id,
        p.section,
        p.seat_row,
        p.zone_id,
        p.section_id,
        l.seat_low,
        l.seat_high,
        t.splits,
        t.delivery,
        t.notes,
        t.face_value_cents,
        l.quantity,
        l.price_cents,
        l.all_in_cents
    from capture as c
    cross join lateral raw.listing_states(p_event_id, c.captured_at, c.captured_at + interval '1 microsecond') as l
    inner join raw.placements as p on l.placement_id = p.placement_id
    inner join raw.terms as t on l.terms_id = t.terms_id
    where l.until_at is null
    order by l.price_cents, l.source_listing_id collate "C";
$$;
comment on function raw.listings_at is 'The book of an event as its newest capture at or before p_at saw it, cheapest first.';

create function raw.listing_changes(p_event_id bigint, p_from_at timestamptz, p_to_at timestamptz)
returns table (
    captured_at timestamptz,
    change text,
    source_listing_id text,
    section text,
    seat_row text,
    zone_id text,
    section_id text,
    seat_low text,
    seat_high text,
    splits smallint[],
    delivery text,
    notes text,
    face_value_cents integer,
    quantity smallint,
    price_cents integer,
    all_in_cents integer,
    previous_quantity smallint,
    previous_price_cents integer,
    previous_all_in_cents integer
)
language sql stable parallel safe
set search_path = ''
as $$
    with states as materialized (
        select * from raw.listing_states(p_event_id, p_from_at, p_to_at)
    ),

    changes as (
        select
            coalesce(began.from_at, ended.until_at) as captured_at,
            case
                when ended.listing_key is null then 'added'
                when began.listing_key is null then 'gone'
                else 'changed'
            end as change,
            coalesce(began.source_listing_id, ended.source_listing_id) as source_listing_id,
            coalesce(began.placement_id, ended.placement_id) as placement_id,
            coalesce(began.terms_id, ended.terms_id) as terms_id,
            coalesce(began.seat_low, ended.seat_low) as seat_low,
            coalesce(began.seat_high, ended.seat_high) as seat_high,
            coalesce(began.quantity, 0::smallint) as quantity,
            began.price_cents,
            began.all_in_cents,
            ended.quantity as previous_quantity,
            ended.price_cents as previous_price_cents,
            ended.all_in_cents as previous_all_in_cents
        from states as began
        full join states as ended
            on began.listing_key = ended.listing_key and began.from_at = ended.until_at
    )

    select
        c.captured_at,
        c.change,
        c.source_listing_id,
        p.section,
        p.seat_row,
        p.zone_id,
        p.section_id,
        c.seat_low,
        c.seat_high,
        t.splits,
        t.delivery,
        t.notes,
        t.face_value_cents,
        c.quantity,
        c.price_cents,
        c.all_in_cents,
        c.previous_quantity,
        c.previous_price_cents,
        c.previous_all_in_cents
    from changes as c
    inner join raw.placements as p on c.placement_id = p.placement_id
    inner join raw.terms as t on c.terms_id = t.terms_id
    where c.captured_at >= p_from_at and c.captured_at < p_to_at
    order by c.captured_at, c.source_listing_id collate "C";
$$;
comment on function raw.listing_changes is
'What changed in an event in [p_from_at, p_to_at), a row a listing and capture, with what the listing is: added, gone or changed (quantity or a price). The event''s first capture adds every listing. A listing whose fixed attributes change is gone and added at once under the same source_listing_id.';

create function raw.observations(p_event_id bigint, p_from_at timestamptz, p_to_at timestamptz)
returns table (
    event_id bigint,
    captured_at timestamptz,
    source_listing_id text,
    section text,
    seat_row text,
    zone_id text,
    section_id text,
    seat_low text,
    seat_high text,
    splits smallint[],
    delivery text,
    notes text,
    face_value_cents integer,
    quantity smallint,
    price_cents integer,
    all_in_cents integer
)
language sql stable parallel safe
set search_path = ''
as $$
    select
        c.event_id,
        c.captured_at,
        l.source_listing_id,
        p.section,
        p.seat_row,
        p.zone_id,
        p.section_id,
        l.seat_low,
        l.seat_high,
        t.splits,
        t.delivery,
        t.notes,
        t.face_value_cents,
        l.quantity,
        l.price_cents,
        l.all_in_cents
    from raw.listing_states(p_event_id, p_from_at, p_to_at) as l
    inner join raw.snapshots as c
        on l.from_at <= c.captured_at and c.captured_at < coalesce(l.until_at, 'infinity')
    inner join raw.placements as p on l.placement_id = p.placement_id
    inner join raw.terms as t on l.terms_id = t.terms_id
    where c.event_id = p_event_id and c.captured_at >= p_from_at and c.captured_at < p_to_at
    order by c.captured_at, l.source_listing_id collate "C";
$$;
comment on function raw.observations is
'Every listing of every capture of an event in [p_from_at, p_to_at): the books spelled out, some 500 times what is stored.';
