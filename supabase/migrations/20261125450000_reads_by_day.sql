-- Books are read from the partitions of their own days alone.
--
-- A statement that names instants only as it runs is planned for every partition there is, and has all of them opened
-- and locked. With 120 days of them, spans of listings took 7.4 ms of processor time instead of 4.6, and the capture
-- before an instant 6.7 ms instead of 0.3. So the functions find out first which instants they need, and then ask for
-- these; and every statement is planned for its values, which leaves one or two partitions. The values stand in
-- variables: an instant less an interval, written in a statement, is computed only as that runs.

set lock_timeout = '5s';

create function raw.newest_capture_at(p_event_id bigint, p_at timestamptz) returns timestamptz
language plpgsql stable parallel safe
set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
declare
    v_day_before constant timestamptz := p_at - interval '24 hours';
    v_captured_at timestamptz;
begin
    select h.captured_at into v_captured_at
    from raw.heads as h
    where h.event_id = p_event_id and h.captured_at <= p_at;
    -- Of an event whose days have all been dropped, the head is left.
    if v_captured_at is not null
        and exists (select from raw.snapshots as s where s.event_id = p_event_id and s.captured_at = v_captured_at)
    then
        return v_captured_at;
    end if;

    select s.captured_at into v_captured_at
    from raw.snapshots as s
    where
        s.event_id = p_event_id
        and s.captured_at <= p_at
        and s.captured_at >= v_day_before
    order by s.captured_at desc
    limit 1;
    if v_captured_at is not null then
        return v_captured_at;
    end if;

    return (
        select s.captured_at
        from raw.snapshots as s
        where s.event_id = p_event_id and s.captured_at <= p_at
        order by s.captured_at desc
        limit 1
    );
end;
$$;
comment on function raw.newest_capture_at is 'When the event was last captured at or before p_at; null where it was not.';
grant execute on function raw.newest_capture_at(bigint, timestamptz)
to authenticated, service_role, ticketmarts_transformer;

create or replace function raw.listing_states(p_event_id bigint, p_from_at timestamptz, p_to_at timestamptz)
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
language plpgsql stable parallel safe
set search_path = ''
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_first_at timestamptz;
    v_since_at timestamptz;
    v_day_at timestamptz;
    v_base_at timestamptz;
begin
    select s.captured_at into v_first_at
    from raw.snapshots as s
    where s.event_id = p_event_id and s.captured_at >= p_from_at and s.captured_at < p_to_at
    order by s.captured_at
    limit 1;
    if v_first_at is null then
        return;
    end if;

    -- Flows of the first capture compare it with the one before, so reading starts there.
    v_since_at := coalesce(raw.newest_capture_at(p_event_id, p_from_at - interval '1 microsecond'), v_first_at);

    -- A day begins with a keyframe; where it does not, an earlier one will do.
    v_day_at := date_trunc('day', v_since_at, 'UTC');
    select k.captured_at into v_base_at
    from raw.keyframes as k
    where
        k.event_id = p_event_id
        and k.captured_at <= v_since_at
        and k.captured_at >= v_day_at
    order by k.captured_at desc
    limit 1;
    if v_base_at is null then
        select k.captured_at into v_base_at
        from raw.keyframes as k
        where k.event_id = p_event_id and k.captured_at <= v_since_at
        order by k.captured_at desc
        limit 1;
    end if;

    return query
    with entries as (
        select
            k.captured_at,
            e.*
        from raw.keyframes as k
        cross join lateral unnest(
            k.listing_key, k.quantity, k.price_cents, k.all_in_cents,
            k.source_listing_id, k.placement_id, k.terms_id, k.seat_low, k.seat_high
        ) as e (
            listing_key, quantity, price_cents, all_in_cents,
            source_listing_id, placement_id, terms_id, seat_low, seat_high
        )
        where k.event_id = p_event_id and k.captured_at = v_base_at
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
        where s.event_id = p_event_id and s.captured_at > v_base_at and s.captured_at < p_to_at
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
    where s.quantity > 0 and (s.until_at is null or s.until_at >= v_first_at);
end;
$$;

create or replace function raw.listings_at(p_event_id bigint, p_at timestamptz)
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
        select raw.newest_capture_at(p_event_id, p_at) as captured_at
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

create or replace function aggregates.newest_capture_at(p_event_id bigint, p_at timestamptz)
returns timestamptz
language sql stable parallel safe security definer
set search_path = ''
as $$
    select raw.newest_capture_at(p_event_id, p_at);
$$;
