// The login of this page. The tokens are kept in memory only: the page forgets them when it is closed or reloaded.

/** An access token is renewed this long before it expires, so that it is still valid when it arrives. */
const RENEW_BEFORE_MS = 30_000;

/** Tells listeners that somebody has logged in or out, or that the token was renewed. */
export const sessionChanges = new EventTarget();

/** `{ username, access, refresh, expiresAt, mustChangePassword }`, or undefined when nobody is logged in. */
let session;
/** The refresh that is under way: a refresh token can be used once. */
let renewal;

export const currentSession = () => session;

/** Logs in. @throws an error with the API's message */
export async function logIn(username, password) {
  const response = await send("login", { username, password });
  if (!response.ok) throw new Error((await response.json()).detail);
  await openSession(await response.json(), username);
}

export const logOut = () => send("logout", { refresh: session.refresh });

/** Sends a request of the reference: renews its access token first, and opens or ends the session by the response. */
export async function fetchWithSession(input, init) {
  let request = new Request(input, init);
  // Scalar sends an empty token when nobody is logged in. The API would call it malformed.
  if (request.headers.get("Authorization") === "Bearer") request.headers.delete("Authorization");
  const hasToken = isOwnToken(request);
  if (hasToken && (await renewIfExpiring())) {
    request = new Request(request);
    request.headers.set("Authorization", `Bearer ${session.access}`);
  }
  const usedSession = session;
  const response = await fetch(request);
  const [, action] =
    /^\/api\/auth\/(login|refresh|password|logout)\/?$/.exec(new URL(request.url).pathname) ?? [];
  if (action && response.status === 200) await openSession(await response.clone().json());
  else if (action === "logout" && response.status === 204) closeSession("Logged out");
  else if (hasToken && response.status === 401 && session === usedSession)
    closeSession("Your session has ended");
  return response;
}

const isOwnToken = (request) =>
  session !== undefined && request.headers.get("Authorization") === `Bearer ${session.access}`;

/** Renews the access token if it expires soon. @returns whether there is a new one */
async function renewIfExpiring() {
  if (Date.now() < session.expiresAt - RENEW_BEFORE_MS) return false;
  renewal ??= renew().finally(() => {
    renewal = undefined;
  });
  await renewal;
  return session !== undefined;
}

async function renew() {
  const renewed = session;
  const response = await send("refresh", { refresh: renewed.refresh });
  const pair = response.ok ? await response.json() : undefined;
  if (session !== renewed) return; // after a login or logout in the meantime
  if (pair) await openSession(pair, renewed.username);
  else if (response.status === 401) closeSession("Your session has ended");
}

/** Stores the tokens of a response to a login, a refresh or a change of the password. */
async function openSession({ access, refresh, expires_in, must_change_password = false }, knownUsername) {
  const expiresAt = Date.now() + expires_in * 1000;
  const username = knownUsername ?? (await usernameOf(access));
  session = { access, refresh, expiresAt, username, mustChangePassword: must_change_password };
  sessionChanges.dispatchEvent(new Event("change"));
}

function closeSession(message) {
  session = undefined;
  sessionChanges.dispatchEvent(new CustomEvent("change", { detail: message }));
}

/** @returns undefined when the API does not tell, because the password has to be changed first */
async function usernameOf(access) {
  const response = await fetch("/api/auth/me/", { headers: { Authorization: `Bearer ${access}` } });
  return response.ok ? (await response.json()).username : undefined;
}

const send = (action, body) =>
  fetch(`/api/auth/${action}/`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
