-- In which order captures came in, for clients that follow an event (public.market_changes) without gaps or repeats.
--
-- Neither captured_at nor loaded_at will do. A capture may be of an instant long past; and a transaction that began
-- later may commit earlier, so that a client that has seen the later instant never hears of the earlier one. Writers of
-- one event, however, wait for each other on its head's lock, which they hold until they have committed. A number taken
-- from a sequence under that lock is therefore the higher the later its transaction commits: whoever sees a number of
-- an event sees all lower ones that there will ever be. Between events the order says nothing.

create sequence raw.load_number_seq;
create table raw.loads (
    event_id bigint not null,
    load_number bigint not null default nextval('raw.load_number_seq'),
    captured_at timestamptz not null,
    primary key (event_id, load_number),
    unique (event_id, captured_at)
);
comment on table raw.loads is
'One row a capture: its place in the order in which captures of its event came in. A capture whose changes are others since an older one was put before it takes a new number.';
comment on column raw.loads.load_number is
'Taken under the lock of the event''s head, so that numbers of one event are in the order of their commits.';

-- What is there came in before anybody followed it: in order of time.
insert into raw.loads (event_id, captured_at)
select
    s.event_id,
    s.captured_at
from raw.snapshots as s
order by s.captured_at, s.event_id;

grant select on raw.loads to authenticated, service_role;
alter table raw.loads enable row level security;
create policy listings_are_read on raw.loads for select to authenticated, service_role using (true);
