// What the page knows: the line, the cycles of each loop, the engine's status, alarms, who is here.
import { get, know } from "/static/api.js";
import { Past } from "/static/past.js";

export const store = {
  line: null, loops: new Map(), status: null, alarms: null, session: null,
  skewMs: 0, reachable: true, listeners: new Set(),
};

export function watch(listener) {
  store.listeners.add(listener);
  return () => store.listeners.delete(listener);
}

function tell(what, loop) { for (const listener of [...store.listeners]) listener(what, loop); }

export async function start() {
  store.line = await get("/api/line");
  know(store.line.routes);
  let last = 0;
  for (const name of Object.keys(store.line.loops)) {
    const past = new Past(await get(`/api/recent?loop=${encodeURIComponent(name)}`));
    store.loops.set(name, past);
    last = Math.max(last, past.id.at(-1) ?? 0);
  }
  // The newest cycle of every loop comes once more: the columns hold no predictions.
  const first = Math.min(...[...store.loops.values()].map((past) => past.id.at(-1) ?? last));
  follow(Math.max(0, Math.min(first, last) - 1));
  poll();
}

function follow(after) {
  const stream = new EventSource(`/api/stream?after=${after}`);
  stream.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    const past = store.loops.get(frame.loop);
    if (!past || (past.latest && frame.id <= past.latest.id)) return;
    if (past.id.at(-1) > frame.id) return;
    past.add(frame);
    tell("frame", frame.loop);
  };
}

async function poll() {
  try {
    store.status = await get("/api/status");
    store.reachable = true;
    if (store.status.page_utc) store.skewMs = Date.parse(store.status.page_utc) - Date.now();
    store.alarms = store.status.ok ? await get("/api/alarms").catch(() => null) : null;
    await otherLimits();
  } catch {
    store.reachable = false;
  }
  tell("status");
  setTimeout(poll, 2000);
}

// Another version of the limits came into force: names, ranges and targets are read again.
async function otherLimits() {
  const now = store.status.seal?.sha256;
  const before = otherLimits.last;
  otherLimits.last = now ?? before;
  if (!before || !now || now === before) return;
  store.line = await get("/api/line");
  know(store.line.routes);
  tell("line");
}

// How old the newest cycle of a loop is [s], by the server's clock: the panel's may be wrong.
export function dataAge(name) {
  const utc = store.loops.get(name)?.utc.at(-1);
  return utc ? Math.max(0, (Date.now() + store.skewMs - Date.parse(utc)) / 1000) : null;
}

export function isStale(name) {
  const seconds = dataAge(name);
  return seconds === null || seconds > 3 * store.line.loops[name].period_s + 2;
}

export function engineTrouble() {
  if (!store.reachable) return "page";
  if (store.status === null) return "";
  if (store.status.ok !== true) return "engine";
  if (store.status.records !== "ok") return "records";
  return "";
}
