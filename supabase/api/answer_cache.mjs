// Answers that everybody of a role may have, kept for as long as they say of themselves, or until the marts are built
// anew: then nobody is shown what was true before. What belongs here: what a shared cache may keep (RFC 9111; of its
// extensions, `community`, by which the database says that a role's users all read the same). What does not: for how
// long an answer may be kept, which the database says, and who somebody is (request_role.mjs), which is asked each time.
//
// Of many clients that ask the same at once, one is answered by the database, and the others get what it gets.

import { createHash } from "node:crypto";

import { LRUCache } from "lru-cache";

// Some 200 answers of the largest kind, 1,000 rows with every column, which are 1.1 MB each.
const MOST_BYTES = 256 * 1024 * 1024;
const MOST_UNSHARED = 10_000;

// What the answer to one URL depends on beside the role, which stands for apikey and authorization: the database names
// these in Vary, and the gateway adds the origin.
const VARYING = ["accept", "accept-profile", "origin", "prefer", "range", "range-unit"];
const SHARED = /^(?:public, max-age=(\d+)|private, max-age=(\d+), community="(\w+)")$/;

export class AnswerCache {
  #roleOf;
  #kept = new LRUCache({ maxSize: MOST_BYTES, sizeCalculation: ({ body, key }) => body.byteLength + key.length + 1 });
  #awaited = new Map();
  // Nobody waits for an answer that was not for everybody the last time.
  #unshared = new LRUCache({ max: MOST_UNSHARED });

  /** `roleOf` says whose role a request has, undefined where it is nobody's. */
  constructor(roleOf) {
    this.#roleOf = roleOf;
  }

  /** Forget everything, also what is being asked for: its answer may be of before. */
  clear() {
    this.#kept.clear();
    this.#awaited = new Map();
  }

  /** The answer of `ask` to the request, or what it answered before. */
  async answer(request, ask) {
    if (request.method !== "GET" || /\bno-(?:cache|store)\b/.test(request.headers.get("cache-control") ?? "")) return ask(request);
    // Who brings no key is refused, also what is kept.
    const role = request.headers.has("apikey") ? await this.#roleOf(request) : undefined;
    if (role === undefined) return ask(request);
    const key = JSON.stringify([role, request.url, ...VARYING.map((name) => request.headers.get(name))]);
    const kept = this.#kept.get(key);
    if (kept !== undefined) return again(kept);
    if (this.#unshared.has(key)) return this.#ask(key, role, request, ask, new Map());

    const awaited = this.#awaited;
    const shared = awaited.has(key) ? await awaited.get(key) : null;
    if (shared !== null) return again(shared);
    return this.#ask(key, role, request, ask, awaited);
  }

  async #ask(key, role, request, ask, awaited) {
    let tell;
    awaited.set(key, new Promise((resolve) => (tell = resolve)));
    try {
      const response = await ask(request);
      const seconds = response.ok ? secondsToShare(response, role) : 0;
      if (seconds === 0) {
        this.#unshared.set(key, true);
        return response;
      }
      const answer = await taken(key, response);
      this.#unshared.delete(key);
      if (awaited === this.#awaited) this.#kept.set(key, answer, { ttl: seconds * 1000 });
      tell(answer);
      return again(answer);
    } finally {
      awaited.delete(key);
      tell(null);
    }
  }
}

/** For how long others of the role may have the answer; 0: not at all. */
function secondsToShare(response, role) {
  const [, forAll, forCommunity, community] = SHARED.exec(response.headers.get("cache-control") ?? "") ?? [];
  return Number(community === role ? forCommunity : (forAll ?? 0));
}

async function taken(key, response) {
  const body = Buffer.from(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  headers.set("etag", `"${createHash("sha1").update(body).digest("hex")}"`);
  return { key, body, headers, status: response.status, answeredAt: Date.now() };
}

function again({ body, headers, status, answeredAt }) {
  const age = Math.floor((Date.now() - answeredAt) / 1000);
  const response = new Response(body, { status, headers });
  response.headers.set("age", String(age));
  return response;
}
