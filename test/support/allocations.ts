/**
 * Does `work` and measures how much memory the Worker's V8 allocates meanwhile, also what is collected before it ends.
 * V8 takes a sample every 16 KiB, so a result is exact to some percent.
 *
 * @param inspectorPort of the served API.
 * @returns bytes
 */
export async function measureAllocations(
  inspectorPort: number,
  work: () => Promise<unknown>,
): Promise<number> {
  const targets = (await (await fetch(`http://127.0.0.1:${inspectorPort}/json`)).json()) as InspectorTarget[];
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? "");
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  try {
    await call(socket, "HeapProfiler.enable");
    const collected = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true };
    await call(socket, "HeapProfiler.startSampling", { samplingInterval: 16 * 1024, ...collected });
    await work();
    const { profile } = await call<{ profile: { head: AllocationNode } }>(
      socket,
      "HeapProfiler.stopSampling",
    );
    return sizeOf(profile.head);
  } finally {
    socket.close();
  }
}

interface InspectorTarget {
  webSocketDebuggerUrl: string;
}

/** A call site of the profile, and those that it called. */
interface AllocationNode {
  selfSize: number;
  children: AllocationNode[];
}

const sizeOf = ({ selfSize, children }: AllocationNode): number =>
  children.reduce((sum, child) => sum + sizeOf(child), selfSize);

/** One call of the Chrome DevTools Protocol at a time. */
function call<Result>(socket: WebSocket, method: string, params: object = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const receive = ({ data }: MessageEvent) => {
      const { id, result, error } = JSON.parse(String(data));
      if (id === undefined) return; // an event of the inspector
      socket.removeEventListener("message", receive);
      if (error) reject(new Error(`${method}: ${error.message}`));
      else resolve(result);
    };
    socket.addEventListener("message", receive);
    socket.send(JSON.stringify({ id: 1, method, params }));
  });
}
