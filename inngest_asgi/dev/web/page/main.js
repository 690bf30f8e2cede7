// Starts the page: the frame around the views, which view an address shows, keys, and the feed.

import { get, keepKey, onMissingKey } from "./api.js";
import * as apps from "./apps.js";
import { fill, h, icon } from "./dom.js";
import * as event from "./event.js";
import * as events from "./events.js";
import * as functions from "./functions.js";
import { listen, retryNow } from "./live.js";
import { button, dialog, empty, signButton } from "./parts.js";
import { here, keepList, to } from "./router.js";
import * as run from "./run.js";
import * as runs from "./runs.js";
import { tellTime } from "./time.js";
import { inTurn } from "./turns.js";

const SECTIONS = [
  ["runs", "Runs", runs, run],
  ["events", "Events", events, event],
  ["functions", "Functions", functions, functions],
  ["apps", "Apps", apps, apps],
];
const THEMES = { auto: ["auto", "Theme: as the system"], light: ["sun", "Theme: light"], dark: ["moon", "Theme: dark"] };
const CONNECTION = { live: "Live", connecting: "Connecting…", lost: "Server gone", locked: "Key needed" };

const state = { functions: [], apps: [], workers: [], version: "", db: null };
const root = h("div", { class: "view" });
const main = h("main", { id: "main", tabindex: "-1" }, root);
const connection = h("span", { class: "pulse", role: "status" });
const offline = h("div", { class: "offline", role: "alert", hidden: true });
const tallies = Object.fromEntries(SECTIONS.map(([name]) => [name, h("span", { class: "tally" })]));
const links = Object.fromEntries(
  SECTIONS.map(([name, text]) => [name, h("a", { href: to([name]) }, icon(name), text, tallies[name])]),
);
const about = h("span", { class: "about clip" });
const theme = signButton("auto", "Theme", { onclick: nextTheme });

let view = { onNews() {}, close() {} };
let address = "";
let loadedPage = null;
let waiting = null;

const loadState = inTurn(async () => {
  try {
    Object.assign(state, await get("/ui/state"));
  } catch {
    return;
  }
  tellTime(state.now);
  tallies.functions.textContent = state.functions.length || "";
  const failing = state.apps.filter((app) => app.error).length;
  tallies.apps.textContent = failing ? `${failing} failing` : state.apps.length || "";
  tallies.apps.classList.toggle("bad", failing > 0);
  about.textContent = `${state.version} · ${state.db ?? "in memory"}`;
  about.title = state.db ? `Kept in ${state.db}` : "Nothing outlives the server: it was started with --db :memory:";
  view.onNews({ runs: [], events: false, apps: true });
});

document.body.append(
  h("a", { class: "skip", href: "#main", onclick: skip }, "Skip to content"),
  h(
    "div",
    { class: "shell" },
    h(
      "div",
      { class: "side" },
      h("a", { class: "brand", href: to(["runs"]) }, h("img", { src: document.querySelector("link[rel=icon]").href, alt: "" }), "inngest-asgi"),
      h("nav", { "aria-label": "Sections" }, Object.values(links)),
      h("div", { class: "foot" }, about, h("div", { class: "line" }, connection, theme)),
    ),
    h("div", {}, offline, main),
  ),
  h("div", { class: "notices", role: "status", "aria-live": "polite" }),
);
showTheme();
onMissingKey(askForKey);
window.addEventListener("hashchange", navigate);
document.addEventListener("keydown", onKey);
setConnection("connecting");
navigate();
loadState();
listen({ onState: setConnection, onHello, onNews });

function navigate() {
  const { parts } = here();
  const [section, id] = parts;
  const found = SECTIONS.find(([name]) => name === section);
  if (!found) {
    location.replace(to(["runs"]));
    return;
  }
  if (parts.length > 2 && view.onPart && address === parts.slice(0, 2).join("/")) {
    view.onPart(parts[2]);
    return;
  }
  if (view.onPart && parts.length === 2 && address === parts.join("/")) {
    view.onPart(null);
    return;
  }
  if (!id) keepList();
  const isFirst = !address;
  address = parts.slice(0, 2).join("/");
  view.close();
  for (const [name] of SECTIONS) {
    if (name === section) links[name].setAttribute("aria-current", "page");
    else links[name].removeAttribute("aria-current");
  }
  const [, , all, one] = found;
  view = id ? one.open(root, { state, id, part: parts[2] ?? null, refresh: loadState }) : all.open(root, { state, id: null, refresh: loadState });
  document.title = `${view.title} · inngest-asgi`;
  window.scrollTo(0, 0);
  if (!isFirst) main.focus({ preventScroll: true });
}

/** Gather what happened for a moment, so that a storm of news is one question to the server. */
function onNews(news) {
  if (waiting) {
    waiting.runs = waiting.runs === "any" || news.runs === "any" ? "any" : [...new Set([...waiting.runs, ...news.runs])];
    waiting.events ||= news.events;
    waiting.apps ||= news.apps;
    return;
  }
  waiting = { ...news };
  setTimeout(() => {
    const told = waiting;
    waiting = null;
    if (told.apps) loadState();
    view.onNews({ ...told, apps: false });
  }, 60);
}

function onHello(hello) {
  if (loadedPage !== null && loadedPage !== hello.page) location.reload();
  loadedPage = hello.page;
}

function setConnection(name) {
  connection.dataset.state = name;
  connection.textContent = CONNECTION[name];
  offline.hidden = name !== "lost";
  if (name === "lost") fill(offline, icon("warn"), "The server is gone. What you see is the last that was known; it is asked for again and again.");
}

function askForKey() {
  if (document.querySelector("dialog[data-key]")) return;
  const field = h("input", { class: "field", type: "password", id: "signing-key", autocomplete: "off", required: true });
  const box = dialog("This server wants its signing key", "It is kept for this tab only, and sent to this server only.", (close) => [
    h(
      "form",
      {
        class: "form",
        method: "dialog",
        onsubmit: (submitted) => {
          submitted.preventDefault();
          keepKey(field.value);
          close();
          retryNow();
          loadState();
          address = "";
          navigate();
        },
      },
      h("div", {}, h("label", { for: "signing-key" }, "Signing key"), field),
      h("div", { class: "actions" }, button("Use it", { kind: "primary", type: "submit" })),
    ),
  ]);
  box.dataset.key = "";
}

function nextTheme() {
  const names = Object.keys(THEMES);
  const chosen = names[(names.indexOf(currentTheme()) + 1) % names.length];
  if (chosen === "auto") {
    localStorage.removeItem("inngest-asgi.theme");
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem("inngest-asgi.theme", chosen);
    document.documentElement.dataset.theme = chosen;
  }
  showTheme();
}

function showTheme() {
  const [sign, label] = THEMES[currentTheme()];
  fill(theme, icon(sign));
  theme.setAttribute("aria-label", label);
  theme.title = label;
}

function currentTheme() {
  return document.documentElement.dataset.theme ?? "auto";
}

function onKey(pressed) {
  if (pressed.ctrlKey || pressed.metaKey || pressed.altKey || document.querySelector("dialog[open]")) return;
  const isTyping = pressed.target.matches?.("input, textarea, select");
  if (pressed.key === "/" && !isTyping) {
    const search = document.querySelector("[data-search]");
    if (search) {
      pressed.preventDefault();
      search.focus();
      search.select();
    }
  } else if (pressed.key === "Escape") {
    if (isTyping) pressed.target.blur();
    else view.onEscape?.();
  }
}

function skip(clicked) {
  clicked.preventDefault();
  main.focus();
}

window.addEventListener("unhandledrejection", (failed) => {
  if (failed.reason?.status === undefined) return;
  failed.preventDefault();
  if (!root.childElementCount) fill(root, empty("warn", "This cannot be shown", failed.reason.message));
});
