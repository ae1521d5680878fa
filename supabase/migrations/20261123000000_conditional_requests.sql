-- What the marketplace need not send again, and the attempts that were made again.

create table raw.known_bodies (
    event_id bigint primary key,
    marketplace text not null,
    etag text not null,
    captured_at timestamptz not null
);
comment on table raw.known_bodies is
'The ETag of the newest listings body that was captured of an event: asked with it, the marketplace may answer 304, and the book is that of captured_at.';

alter table raw.scrape_failures add column was_retried boolean not null default false;
comment on column raw.scrape_failures.was_retried is
'Whether the event was asked for again at once; the last try of a round has false.';
