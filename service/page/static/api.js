// The page's own server. `get` gives null where a part is not there (yet), so the view can say so.

// Which routes this server has: what it does not have is not asked for.
let routes = new Set(["/api/line", "/api/status", "/api/recent", "/api/fan", "/api/session"]);
export function know(paths) { routes = new Set(paths); }
export function has(path) { return routes.has(path); }

export async function get(path, route = path.split("?")[0]) {
  if (!has(route)) return null;
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (answer.status === 401) dispatchEvent(new Event("signed-out"));
  if (!answer.ok) throw new Error(await reason(answer));
  return answer.json();
}

export async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Rheostat": "1" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw Object.assign(new Error(await reason(answer)), { status: answer.status });
  return answer.json();
}

// Why something was refused, in the server's own words.
async function reason(answer) {
  try {
    const body = await answer.json();
    const detail = body.text ?? body.detail;
    if (typeof detail === "string") return detail;
    if (detail?.text) return detail.text;
    if (Array.isArray(detail)) return detail.map((one) => `${(one.loc ?? []).slice(1).join(".")}: ${one.msg}`).join("; ");
    return `${answer.status}`;
  } catch { return `${answer.status} ${answer.statusText}`; }
}
