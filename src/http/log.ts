/** Says in the log why a request failed: one line of JSON. `fault` holds nothing that a client sent. */
export const logFailure = (requestId: string, fault: Record<string, unknown>): void =>
  console.error(JSON.stringify({ request_id: requestId, ...fault }));
