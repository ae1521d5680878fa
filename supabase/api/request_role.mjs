// Who asks, by the rules of the Data API: the key says a role, a user's token another.

import { verify } from "hono/jwt";

const ALGORITHM = "HS256";

/** The role of a request, `anon` where it brings neither key nor token; undefined where one of them is not ours. */
export async function roleOfRequest(request, roleOfKey, jwtSecret) {
  const key = request.headers.get("apikey");
  if (key !== null && !roleOfKey.has(key)) return undefined;
  const [, token = key] = /^Bearer (.+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  if (token === null) return "anon";
  if (roleOfKey.has(token)) return roleOfKey.get(token);
  try {
    return (await verify(token, jwtSecret, ALGORITHM)).role ?? "anon";
  } catch {
    return undefined;
  }
}
