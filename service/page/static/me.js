// One's own account: what one may do, another password, where one is signed in.
import { h, table } from "/static/dom.js";
import { get, post } from "/static/api.js";
import { form, say } from "/static/dialogs.js";
import { chosen, makeKey, newPassword, signIn, signOut } from "/static/door.js";
import { moment } from "/static/format.js";
import { t } from "/static/i18n.js";
import { store } from "/static/store.js";

const words = () => ({
  view: t("look"), off: t("give a loop back to its PLC (OFF)"), mode: t("ask for SHADOW and AUTO"), reset: t("reset a trip"),
  acknowledge: t("acknowledge alarms"), shelve: t("shelve alarms"), suppress: t("take an alarm out of service"),
  "limits-propose": t("propose limits"), "limits-sign": t("sign limits"), "limits-activate": t("activate limits"),
  "what-if": t("play what if"), export: t("export records"), review: t("sign a review"), people: t("make and lock accounts"),
});

export async function me(root) {
  const { person, actions } = store.session;
  if (!person) {
    root.append(h("p", {}, t("Nobody is signed in.")), h("div", {}, h("button", { class: "strong", onclick: signIn }, t("Sign in"))));
    return;
  }
  const rows = await get("/api/session/mine");
  root.append(
    h("div", { class: "controls" }, h("button", { class: "strong", onclick: signOut }, t("Sign out")),
      person.key ? h("button", { onclick: password }, person.provider ? t("Change the signing password") : t("Change the password"))
        : h("button", { onclick: makeKey }, t("Make my signing key")),
      rows.length > 1 ? h("button", { onclick: elsewhere }, t("End my other sessions")) : null),
    h("dl", { class: "facts" }, [[t("Name"), person.name], [t("Name for signing in"), person.id], [t("Role"), t(person.role)],
      [t("May"), actions.map((action) => words()[action] ?? action).join(" · ")]].map(([name, text]) => [h("dt", {}, name), h("dd", {}, text)])),
    person.role === "unregistered" ? h("p", { class: "warn" }, `△ ${t("You may look only: the limits in force do not register you with this account's key.")}`) : "",
    h("h2", {}, t("Where I am signed in")),
    table([t("Since"), t("Last touch"), t("Where")], rows.map((one) => [moment(one.since), moment(one.seen), one.this ? t("here") : t("elsewhere")]), { class: "list" }));
}

async function password() {
  const done = await form(t("Change the password"), [
    { name: "old", label: t("The password as it is"), type: "password", max: 256 }, ...newPassword(),
  ], {
    meaning: t("Every session of yours ends; your key stays the same."),
    send: ({ old, ...typed }) => post("/api/session/password", { old, new: chosen(typed) }),
  });
  if (done) location.reload();
}

async function elsewhere() {
  try { say((await post("/api/session/end-others", {})).text); } catch (error) { say(`▲ ${error.message}`); return; }
  dispatchEvent(new HashChangeEvent("hashchange"));
}
