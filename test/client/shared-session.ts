import { type ClientOptions, createClient, type Tokens } from "../../client/index.ts";
import { openGateway } from "./gateway.ts";
import { signUp } from "./support.ts";

// Several clients that store the tokens of one session in one place, as the tabs of a browser do.

export const REFRESH = "POST /api/auth/refresh/";
export const isRefresh = ({ line }: { line: string }) => line === REFRESH;

/** The stored tokens, and functions for the options of clients that share them. */
function openStore(tokens: Tokens | undefined) {
  const store = {
    tokens,
    saved: [] as (Tokens | undefined)[],
    loadTokens: async () => store.tokens && structuredClone(store.tokens),
    onTokens: async (next: Tokens | undefined) => {
      store.saved.push(next);
      store.tokens = next;
    },
  };
  return store;
}

/** A new session whose access token has expired, clients that share it, and what they send. */
export async function openTabs(origin: string, count: number, changes: Partial<Tokens> = { expiresAt: 0 }) {
  const owner = await signUp(origin);
  const tokens = { ...(owner.tokens as Tokens), ...changes };
  const store = openStore(tokens);
  const gateway = await openGateway(origin);
  const { loadTokens, onTokens } = store;
  const open = (options: Partial<ClientOptions> = {}) =>
    createClient({ url: gateway.origin, retry: { delay: 1 }, tokens, loadTokens, onTokens, ...options });
  const tabs = Array.from({ length: count }, () => open());
  const refreshes = () => gateway.requests.filter(isRefresh).length;
  return { owner, tokens, store, gateway, open, tabs, refreshes };
}
