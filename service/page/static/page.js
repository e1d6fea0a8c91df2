// The operator page: asks once for the line and its past, then follows the stream of cycles.
// It decides nothing: a mode button sends a request, and the engine answers what it did.
import { Faceplate } from "/static/faceplate.js";

const faceplates = new Map();
const message = document.getElementById("message");
const who = document.getElementById("who");

function say(text) {
  message.textContent = text;
  message.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { message.hidden = true; }, 8000);
}

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function request(loop, mode, reset) {
  if (!who.value.trim()) {
    say("Enter your name first: every request is recorded with who made it.");
    who.focus();
    return;
  }
  try {
    const answer = await fetch("/api/mode", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Rheostat": "1" },
      body: JSON.stringify({ loop, mode, who: who.value.trim(), reset }),
    });
    say((await answer.json()).text ?? `Asked for ${mode}.`);
  } catch (error) {
    say(`The page cannot reach its own server: ${error.message}`);
  }
}

function showEngine(status) {
  const box = document.getElementById("engine");
  const well = status.ok === true && status.records === "ok";
  box.className = well ? "state" : "state alarm";
  box.textContent = well ? "engine: running" : `▲ engine: ${status.ok ? status.records : "no answer"}`;
  box.title = status.text ?? "";
  const seal = status.seal ?? { notices: [] };
  const flag = document.getElementById("seal");
  flag.hidden = seal.version === undefined;
  flag.className = seal.notices.length ? "flag" : "";
  flag.textContent = `${seal.notices.length ? "▲ " : ""}limits v${seal.version}`;
  flag.title = [`sealed ${String(seal.sha256).slice(0, 12)} (${seal.kind} by ${seal.author})`,
    ...seal.notices].join("\n");
  const notices = document.getElementById("notices");
  notices.textContent = seal.notices.join("\n");
  notices.hidden = !seal.notices.length;
}

async function watchEngine() {
  try { showEngine(await get("/api/status")); }
  catch { showEngine({ ok: false, text: "the page's server does not answer" }); }
  setTimeout(watchEngine, 2000);
}

async function start() {
  const line = await get("/api/line");
  document.title = `Rheostat · ${line.line.id}`;
  document.getElementById("line").textContent =
    `${line.line.id} · ${line.line.site} · ${line.recipe}`;
  if (line.insecure.length) {
    const flag = document.getElementById("insecure");
    flag.textContent = `▲ unencrypted: ${line.insecure.join(", ")}`;
    flag.hidden = false;
  }
  const root = document.getElementById("loops");
  for (const [name, loop] of Object.entries(line.loops)) {
    faceplates.set(name, new Faceplate(root, name, loop, request));
  }
  let last = 0;
  for (const frame of await get("/api/history")) {
    faceplates.get(frame.loop)?.remember(frame);
    last = frame.id;
  }
  const stream = new EventSource(`/api/stream?after=${Math.max(0, last - 1)}`);
  stream.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    faceplates.get(frame.loop)?.show(frame);
  };
  setInterval(() => {
    document.getElementById("clock").textContent = new Date().toISOString().slice(11, 19) + " UTC";
  }, 500);
  watchEngine();
}

start().catch((error) => say(`The page could not start: ${error.message}. Reload it.`));
