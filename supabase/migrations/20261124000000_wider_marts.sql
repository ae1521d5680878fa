-- The marts measure zones and sections, follow listings through their lives, and compare with earlier hours. dbt makes
-- all of it, but it does not change the columns of a table that has rows: marts.event_latest, a row an event, is made
-- anew by the next build. Every hour is stale, so that what is new covers all that was captured, the newest first.

drop table if exists marts.event_latest cascade;
select raw.mark_stale('-infinity', 'infinity');
