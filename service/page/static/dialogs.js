// Signing in, and signing a request: every act of a person has a name, a reason and, where the
// line wants it, a signature (password again). OFF never waits for any of it.
import { h } from "/static/dom.js";
import { get, post } from "/static/api.js";
import { label, t } from "/static/i18n.js";
import { signIn } from "/static/door.js";
import { store } from "/static/store.js";

export function say(text) {
  const box = document.getElementById("message");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { box.hidden = true; }, 8000);
}

// A modal form; resolves to what was typed, or null when it was closed.
export function form(title, fields, { meaning = "", confirm = t("Confirm"), send = async () => {}, aside = () => null } = {}) {
  return new Promise((resolve) => {
    let result = null;
    const inputs = fields.map((field) => field.choices ? h("select", { name: field.name },
      field.choices.map(([value, text]) => h("option", { value, selected: value === field.value }, text))) : h(field.rows ? "textarea" : "input", {
      value: field.value,
      name: field.name, type: field.rows ? null : field.type ?? "text", required: field.required ?? true,
      maxlength: field.type === "number" ? null : field.max ?? 200, step: field.type === "number" ? "any" : null, autocomplete: field.type === "password" ? field.fresh ? "new-password" : "current-password" : "off", rows: field.rows ?? null,
    }));
    const trouble = h("p", { class: "alarm", role: "alert" });
    const body = h("form", { method: "dialog" },
      h("h2", {}, title),
      meaning ? h("p", { class: "meaning" }, meaning) : null,
      fields.map((field, i) => h("label", {}, h("span", {}, field.label), inputs[i])),
      trouble,
      h("div", { class: "row" },
        h("button", { type: "button", onclick: () => dialog.close() }, t("Cancel")),
        h("button", { type: "submit", class: "strong" }, confirm)),
      aside(() => dialog.close()));
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

export function personName() { return store.session?.person?.name ?? ""; }

// OFF is one click, signed in or not.
export async function off(loop) { await ask({ loop, mode: "OFF" }); }

export async function wish(loop, mode, reset = false) {
  if (!personName()) { await signIn(); return; }
  const title = label(store.line.loops[loop].title);
  const meaning = reset
    ? t("I have found and removed the cause of the trip; the loop {loop} may be used again.", { loop: title })
    : t("I ask for {mode} of the loop {loop}.", { mode, loop: title });
  const signed = reset ? store.session.signs.reset : mode === "AUTO" && store.session.signs.auto;
  const fields = [
    { name: "why", label: t("Reason"), max: 300, required: signed || reset },
    ...(signed ? [{ name: "password", label: t("Password, as your signature"), type: "password", max: 256 }] : []),
  ];
  await form(reset ? t("Reset {loop}", { loop: title }) : t("{mode} for {loop}", { mode, loop: title }), fields, {
    meaning: `${personName()}: ${meaning}`,
    confirm: signed ? t("Sign") : t("Ask"),
    send: async (typed) => {
      const answer = await post("/api/mode", { loop, mode, reset, ...typed });
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
