import { tabs } from "/static/tabs.js";
import { t } from "/static/i18n.js";
import { me } from "/static/me.js";
import { people, sessions } from "/static/people.js";
import { may } from "/static/limit_acts.js";

// Who is here, and, for an admin, who else may be.
export function account(root, [sheet = "me", ...rest]) {
  return tabs(root, "account", sheet, rest, [
    ["me", t("My account"), me], ...(may("people") ? [["people", t("Accounts"), people], ["sessions", t("Signed in now"), sessions]] : []),
  ]);
}
