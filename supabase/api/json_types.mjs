// How PostgreSQL's values become JSON: exactly as PostgREST (that is, PostgreSQL's own to_json) writes them.
// Arrays follow by themselves: the driver reads them with their element's parser, which also meets an element's NULL.

const ARRAY_NULL = "NULL";
const TIMESTAMP = /^(\S+) (\d\d:\d\d:\d\d(?:\.\d+)?)(?:([+-]\d\d)(:\d\d)?)?( BC)?$/;

/** A number, or the text where JSON has no such number (NaN, Infinity). */
function parseNumber(text) {
  if (text === ARRAY_NULL) return null;
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

/** `2026-10-12 04:32:19.7+00` as `2026-10-12T04:32:19.7+00:00`; the words `infinity` and `-infinity` as they are. */
function parseTimestamp(text) {
  if (text === ARRAY_NULL) return null;
  const parts = TIMESTAMP.exec(text);
  if (parts === null) return text;
  const [, day, time, hours, minutes = ":00", era = ""] = parts;
  return `${day}T${time}${hours === undefined ? "" : hours + minutes}${era}`;
}

const asText = (value) => String(value);
const parseDate = (text) => (text === ARRAY_NULL ? null : text);

/** For the driver's option `types`: the numbers are PostgreSQL's OIDs. */
export const jsonTypes = {
  // The driver would take every text but "true" for false: `t`, `yes` and `1` are PostgreSQL's to read.
  bool: { to: 16, from: [16], serialize: asText, parse: (text) => (text === ARRAY_NULL ? null : text === "t") },
  bigint: { to: 20, from: [20], serialize: asText, parse: parseNumber },
  numeric: { to: 1700, from: [1700], serialize: asText, parse: parseNumber },
  float: { to: 701, from: [700, 701], serialize: asText, parse: parseNumber },
  date: { to: 1082, from: [1082], serialize: asText, parse: parseDate },
  timestamp: { to: 1114, from: [1114], serialize: asText, parse: parseTimestamp },
  timestamptz: { to: 1184, from: [1184], serialize: asText, parse: parseTimestamp },
};
