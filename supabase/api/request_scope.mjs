// What the database is told of a request, and what it answers beside rows, carried along with the request.

import { AsyncLocalStorage } from "node:async_hooks";

export const PREFIX = "/rest/v1";

/** Of each request: `method`, `path` (below PREFIX), and `headers`, the JSON that the database left in response.headers. */
export const requestScope = new AsyncLocalStorage();

/** Answers within a scope of its own, with the headers that the database gave for it. */
export async function answerInScope(request, answer) {
  const scope = { method: request.method, path: new URL(request.url).pathname.slice(PREFIX.length), headers: null };
  const response = await requestScope.run(scope, answer);
  if (!response.ok || !scope.headers) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of JSON.parse(scope.headers).flatMap(Object.entries)) {
    // A function may have said otherwise, and @supabase/lite has told it.
    if (!headers.has(name)) headers.set(name, value);
  }
  return new Response(response.body, { status: response.status, headers });
}
