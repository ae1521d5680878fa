-- Whether a marketplace lets us in: kept in the database, since every round is a process of its own.

create table raw.circuit_breakers (
    marketplace text primary key,
    opened_at timestamptz not null,
    open_until timestamptz not null,
    times_opened integer not null check (times_opened > 0),
    kind text not null,
    message text not null
);
comment on table raw.circuit_breakers is
'Marketplaces that have turned us away: nobody asks them before open_until. A row goes when one lets us in again.';
comment on column raw.circuit_breakers.times_opened is
'How often in a row the breaker has opened: each time, it stays open for twice as long.';
