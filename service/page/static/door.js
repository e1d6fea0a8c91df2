// Who is at the page: signing in and out, setting an account up, and staying signed in by touch.
import { get, post } from "/static/api.js";
import { h } from "/static/dom.js";
import { form, say } from "/static/dialogs.js";
import { t } from "/static/i18n.js";
import { store } from "/static/store.js";

const TOUCH_EVERY_MS = 60_000;

// Before anything else is asked for: who is it? Where only people may look who signed in, the sheet
// stays until somebody did.
export async function enter() {
  await fromProvider();
  store.session = await get("/api/session");
  const ended = () => { if (store.session.person || store.session.read !== "open") location.reload(); };
  addEventListener("signed-out", ended);
  if (store.session.person) keepAlive();
  else if (store.session.read !== "open") {
    const box = document.getElementById("view");
    box.append(h("section", { class: "door" },
      h("h1", {}, store.session.line),
      h("p", {}, t("Sign in to see this line.")),
      store.session.first ? h("p", { class: "meaning" }, t("Nobody has an account yet. The first one is made on the line's machine: ./rheostat people add")) : null,
      h("div", { class: "row" },
        h("button", { class: "strong", onclick: signIn }, t("Sign in")),
        store.session.provider ? h("button", { onclick: toProvider }, store.session.provider) : null,
        h("button", { onclick: setUp }, t("Set up an account")))));
    await new Promise(() => {});
  }
}

// To the identity provider and back: it sends the browser to this page, with words to hand on.
export async function toProvider() {
  try { location.assign((await post("/api/session/provider", {})).url); } catch (error) { say(`▲ ${error.message}`); }
}

async function fromProvider() {
  const brought = new URLSearchParams(location.search);
  if (!brought.has("state")) return;
  history.replaceState(null, "", location.pathname + location.hash);
  if (!brought.has("code")) { say(`▲ ${t("Nobody signed in at the provider.")}`); return; }
  try { await post("/api/session/provider/back", { state: brought.get("state"), code: brought.get("code") }); }
  catch (error) { say(`▲ ${error.message}`); }
}

export async function signIn() {
  const done = await form(t("Sign in"), [
    { name: "person", label: t("Name for signing in"), max: 40 },
    { name: "password", label: t("Password"), type: "password", max: 256 },
  ], {
    confirm: t("Sign in"),
    send: (typed) => post("/api/session", typed).catch((error) => { if (error.status !== 409) throw error; return { due: true }; }),
    aside: (close) => h("div", { class: "row" },
      store.session.provider ? h("button", { type: "button", onclick: toProvider }, store.session.provider) : null,
      h("button", { type: "button", class: "link", onclick: () => { close(); setUp(); } }, t("Set up an account"))),
  });
  if (done && (!done.answer.due || await otherPassword(done))) location.reload();
}

// The right password, and an admin asked for another one: nothing opens before it is chosen.
function otherPassword({ person, password }) {
  return form(t("Choose another password"), newPassword(), {
    meaning: t("An admin asked for it. Your key and your role stay as they are."),
    send: (typed) => post("/api/session", { person, password, new: chosen(typed) }),
  });
}

export const newPassword = () => [
  { name: "password", label: t("New password, at least 12 characters"), type: "password", max: 128, fresh: true },
  { name: "again", label: t("The same password again"), type: "password", max: 128, fresh: true },
];

export function chosen({ password, again }) {
  if (password !== again) throw new Error(t("The two passwords differ."));
  return password;
}

export async function signOut() {
  try { await post("/api/session/end", {}); } catch (error) { say(error.message); return; }
  location.reload();
}

// With the one-time code of an admin: the password is the person's own from the first day on.
export async function setUp() {
  const done = await form(t("Set up an account"), [
    { name: "person", label: t("Name for signing in"), max: 40 },
    { name: "code", label: t("One-time code"), max: 40 },
    ...newPassword(),
  ], {
    meaning: t("Only you know this password. It signs in your name."),
    send: ({ person, code, ...typed }) => post("/api/session/set-up", { person, code, password: chosen(typed) }),
  });
  if (!done) return;
  await registration(done.answer.entry, t("Sign in"));
  signIn();
}

function registration(entry, confirm) {
  return form(t("Your account stands"), [], {
    meaning: t("To sign anything, you have to be registered. Give these lines to an engineer:"),
    aside: () => h("pre", { class: "entry" }, entry), confirm,
  });
}

// Whoever signs in at a provider signs records with a key of their own, as everybody does.
export async function makeKey() {
  const done = await form(t("Make my signing key"), newPassword(), {
    meaning: t("Only you know this password. It signs in your name; it is not the provider's."),
    send: (typed) => post("/api/session/key", { password: chosen(typed) }),
  });
  if (!done) return;
  await registration(done.answer.entry, t("Done"));
  location.reload();
}

function keepAlive() {
  let last = Date.now();
  const touched = async () => {
    if (Date.now() - last < TOUCH_EVERY_MS) return;
    last = Date.now();
    const session = await post("/api/session/touch", {}).catch(() => null);
    if (session && !session.person) location.reload();
  };
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, touched, { passive: true });
}
