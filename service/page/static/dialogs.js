// Signing in, and signing a request: every act of a person has a name, a reason and, where the
// line wants it, a signature (password again). OFF never waits for any of it.
import { h } from "/static/dom.js";
import { get, post } from "/static/api.js";
import { label, t } from "/static/i18n.js";
import { store } from "/static/store.js";

export function say(text) {
  const box = document.getElementById("message");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { box.hidden = true; }, 8000);
}

// A modal form; resolves to what was typed, or null when it was closed.
export function form(title, fields, { meaning = "", confirm = t("Confirm"), send = async () => {} } = {}) {
  return new Promise((resolve) => {
    let result = null;
    const inputs = fields.map((field) => h(field.rows ? "textarea" : "input", {
      name: field.name, type: field.rows ? null : field.type ?? "text", required: field.required ?? true,
      maxlength: field.max ?? 200, autocomplete: field.type === "password" ? "current-password" : "off", rows: field.rows ?? null,
    }));
    const trouble = h("p", { class: "alarm", role: "alert" });
    const body = h("form", { method: "dialog" },
      h("h2", {}, title),
      meaning ? h("p", { class: "meaning" }, meaning) : null,
      fields.map((field, i) => h("label", {}, h("span", {}, field.label), inputs[i])),
      trouble,
      h("div", { class: "row" },
        h("button", { type: "button", onclick: () => dialog.close() }, t("Cancel")),
        h("button", { type: "submit", class: "strong" }, confirm)));
    const dialog = h("dialog", { "aria-label": title }, body);
    body.addEventListener("submit", async (event) => {
      event.preventDefault();
      const typed = Object.fromEntries(inputs.map((input) => [input.name, input.value.trim()]));
      try {
        result = { ...typed, answer: await send(typed) };
        dialog.close();
      } catch (error) { trouble.textContent = `▲ ${error.message}`; }
    });
    dialog.addEventListener("close", () => { dialog.remove(); resolve(result); });
    document.body.append(dialog);
    dialog.showModal();
    inputs[0]?.focus();
  });
}

export async function signIn() {
  if (store.session === null) return askName();
  const done = await form(t("Sign in"), [
    { name: "person", label: t("Name for signing in"), max: 64 },
    { name: "password", label: t("Password"), type: "password", max: 256 },
  ], { confirm: t("Sign in"), send: (typed) => post("/api/session", typed) });
  if (done) location.reload();
}

export async function signOut() {
  try { await post("/api/session/end", {}); } catch (error) { say(error.message); return; }
  location.reload();
}

// A line without accounts: a name goes with each request, and the record says who gave it.
async function askName() {
  const done = await form(t("Who are you?"), [{ name: "who", label: t("Your name"), max: 64 }],
    { meaning: t("This line has no accounts yet. Your name is recorded with every request.") });
  if (done) sessionStorage.setItem("who", done.who);
  return done?.who ?? "";
}

export function personName() { return store.session?.person?.name ?? sessionStorage.getItem("who") ?? ""; }

// OFF is one click. It carries a name where there is one.
export async function off(loop) {
  await ask({ loop, mode: "OFF", who: personName() || "operator page", reset: false });
}

export async function wish(loop, mode, reset = false) {
  const title = label(store.line.loops[loop].title);
  const meaning = reset
    ? t("I have found and removed the cause of the trip; the loop {loop} may be used again.", { loop: title })
    : t("I ask for {mode} of the loop {loop}.", { mode, loop: title });
  const signed = Boolean(store.session);
  const known = personName();
  const fields = [
    ...(signed || known ? [] : [{ name: "who", label: t("Your name"), max: 64 }]),
    { name: "why", label: t("Reason"), max: 300, required: signed || reset },
    ...(signed ? [{ name: "password", label: t("Password, as your signature"), type: "password", max: 256 }] : []),
  ];
  if (signed && !store.session.person) { await signIn(); return; }
  await form(reset ? t("Reset {loop}", { loop: title }) : t("{mode} for {loop}", { mode, loop: title }), fields, {
    meaning: known ? `${known}: ${meaning}` : meaning,
    confirm: signed ? t("Sign") : t("Ask"),
    send: async (typed) => {
      const body = { loop, mode, reset, ...typed };
      if (!signed) body.who = typed.who || known;
      if (!body.why) delete body.why;
      if (!signed && body.who) sessionStorage.setItem("who", body.who);
      const answer = await post("/api/mode", body);
      say(answer.text ?? t("Asked for {mode}.", { mode }));
    },
  });
}

async function ask(body) {
  try {
    const answer = await post("/api/mode", body);
    say(answer.text ?? t("Asked for {mode}.", { mode: body.mode }));
  } catch (error) { say(`▲ ${error.message}`); }
}

export { get };
