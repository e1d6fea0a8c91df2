// Texts in the reader's language. The English text is the key (gettext); what is not in the
// catalogue is shown as it is, so a text of the record or of the configuration stays word for word.
const KEY = "rheostat.language";
export const LANGUAGES = { en: "English", ko: "한국어" };
let words = {};
let current = "en";

export function language() { return current; }

export async function loadLanguage() {
  const wished = localStorage.getItem(KEY) ?? (navigator.language || "en").slice(0, 2);
  current = wished in LANGUAGES ? wished : "en";
  words = current === "en" ? {} : await (await fetch(`/static/locales/${current}.json`)).json();
  document.documentElement.lang = current;
}

export function chooseLanguage(name) {
  localStorage.setItem(KEY, name);
  location.reload();
}

// t("Target: {value}", { value }) - numbers and units go through untouched.
export function t(text, values = {}) {
  return (words[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// A word of the record (a state, a kind, a role); none is a dash.
export function word(text) { return text ? t(text) : "–"; }

// A label with a number at its end ("Bolt 7"): the words are in the catalogue, the number is not.
export function label(text) {
  if (text in words) return words[text];
  const parts = /^(.*) (\d+)$/.exec(text);
  return parts ? `${t(parts[1])} ${parts[2]}` : text;
}
