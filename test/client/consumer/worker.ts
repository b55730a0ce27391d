// A Worker that calls the API through the installed package.
import { createClient } from "hospital-api/client";

export default {
  async fetch(_request: Request, { API, TOKENS }: { API: string; TOKENS: string }): Promise<Response> {
    const api = createClient({ url: API, tokens: JSON.parse(TOKENS) });
    const { username } = await api.me();
    await api.refresh();
    return Response.json({ username, again: (await api.me()).username });
  },
};
