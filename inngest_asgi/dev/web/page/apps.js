// The apps: whether they are registered, and what to do when they are not. Workers, if there are any.

import { post, remove } from "./api.js";
import { fill, h, keyed } from "./dom.js";
import { attempt, button, confirm, copyable, empty, notify, signButton, snippet, status } from "./parts.js";
import { to } from "./router.js";
import { ago } from "./time.js";

const LOOK_AGAIN = 5000;

export function open(root, { state, refresh }) {
  const cards = h("div", { class: "cards" });
  const none = h("div", { class: "list", hidden: true }, nothing());
  const workers = h("section", { "aria-label": "Workers" });
  const field = h("input", { class: "field grow", name: "url", "aria-label": "URL of the app", placeholder: "http://localhost:8000/api/inngest", spellcheck: "false", autocomplete: "off" });
  const hint = h("p", { class: "hint", role: "status" });
  const submit = button("Add app", { kind: "primary", sign: "plus", type: "submit" });

  const sync = async (url) => {
    const result = await post("/ui/apps", { url });
    await refresh();
    return result;
  };

  async function add(event) {
    event.preventDefault();
    submit.disabled = true;
    hint.classList.remove("bad");
    hint.textContent = "Asking the app to register…";
    try {
      const result = await sync(field.value);
      hint.textContent = result.error ?? `${result.app} is registered with ${result.functions} ${result.functions === 1 ? "function" : "functions"}.`;
      hint.classList.toggle("bad", Boolean(result.error));
      if (!result.error) field.value = "";
    } catch (error) {
      hint.textContent = error.message;
      hint.classList.add("bad");
    }
    submit.disabled = false;
  }

  function show() {
    keyed(cards, state.apps, {
      key: (app) => app.id,
      version: ({ synced_at: at, ...app }) => JSON.stringify([app, Boolean(at)]),
      make: (app) => card(app, sync, refresh),
    });
    for (const time of cards.querySelectorAll("[data-app]")) {
      const app = state.apps.find((one) => one.id === time.dataset.app);
      fill(time, app ? ago(app.synced_at) : null);
    }
    none.hidden = state.apps.length > 0;
    fill(workers, state.workers.length ? workerList(state.workers) : null);
  }

  fill(
    root,
    h("div", { class: "head" }, h("h1", {}, "Apps")),
    h("form", { class: "tools", onsubmit: add }, field, submit),
    hint,
    cards,
    none,
    workers,
  );
  show();
  // That an app is still in sync is no news to tell of, so the time of it is asked for.
  const timer = setInterval(() => !document.hidden && refresh(), LOOK_AGAIN);
  return {
    title: "Apps",
    onNews(news) {
      if (news.apps) show();
    },
    close() {
      clearInterval(timer);
    },
  };
}

function card(app, sync, refresh) {
  const isKnown = Boolean(app.synced_at);
  const again = button("Sync now", {
    kind: "small",
    sign: "rerun",
    "aria-label": `Sync ${app.name} now`,
    onclick: async () => {
      again.disabled = true;
      const result = await attempt(() => sync(app.url));
      if (result) notify(result.error ?? `${result.app} is in sync.`, { bad: Boolean(result.error) });
      again.disabled = false;
    },
  });
  return h(
    "article",
    { class: "card", "aria-label": app.name },
    h(
      "div",
      { class: "top" },
      h("div", { class: "grow" }, h("h2", {}, isKnown ? app.name : "Not registered yet"), copyable(app.url, "Copy the app's URL")),
      state(app),
      app.url.startsWith("ws") ? null : again,
      signButton("trash", `Remove ${app.name}`, {
        kind: "plain square",
        onclick: () =>
          confirm(`Remove ${app.name}?`, "Its functions start no more. Runs that are under way go on, and it may be added again.", "Remove", async () => {
            await attempt(() => remove("/ui/apps", { url: app.url }), `${app.name} is removed.`);
            refresh();
          }),
      }),
    ),
    app.error ? h("div", { class: "trouble", role: "alert" }, h("strong", {}, app.error), app.advice ? h("span", {}, app.advice) : null) : null,
    h(
      "div",
      { class: "tags" },
      h("a", { class: "tag", href: to(["functions"]) }, `${app.functions} ${app.functions === 1 ? "function" : "functions"}`),
      app.sdk ? h("span", { class: "tag" }, app.sdk) : null,
      app.framework ? h("span", { class: "tag" }, app.framework) : null,
      app.version ? h("span", { class: "tag" }, `version ${app.version}`) : null,
      isKnown ? h("span", { class: "tag" }, "last sync ", h("span", { dataset: { app: app.id } })) : h("span", { class: "tag" }, "never registered"),
    ),
  );
}

function state(app) {
  if (app.error) {
    const sign = status("failed", { badge: true });
    sign.querySelector(".word").textContent = "Not in sync";
    return sign;
  }
  const sign = status(app.synced_at ? "completed" : "queued", { badge: true });
  sign.querySelector(".word").textContent = app.synced_at ? "In sync" : "Waiting";
  return sign;
}

function workerList(workers) {
  return [
    h("div", { class: "group" }, h("h2", {}, "Workers"), h("span", { class: "muted" }, "connected from their side")),
    h(
      "div",
      { class: "cards" },
      workers.map((worker) =>
        h(
          "article",
          { class: "card" },
          h("div", { class: "top" }, h("h2", { class: "grow" }, worker.instance_id), h("span", { class: "tag" }, worker.state)),
          h("div", { class: "tags" }, h("span", { class: "tag" }, "connected ", ago(worker.connected_at)), h("span", { class: "tag" }, "heartbeat ", ago(worker.last_heartbeat_at)), worker.apps.map((app) => h("span", { class: "tag" }, app.version ? `${app.name}, version ${app.version}` : app.name)), h("span", { class: "tag" }, worker.sdk), h("span", { class: "tag" }, worker.limit ? `${worker.in_flight} of ${worker.limit} calls` : `${worker.in_flight} calls`)),
        ),
      ),
    ),
  ];
}

function nothing() {
  return empty(
    "apps",
    "No app yet",
    "Start your app in dev mode and give its URL above. Apps that are found on this machine's usual ports come by themselves, unless the server was told not to look.",
    snippet(`INNGEST_DEV=${location.origin} uvicorn main:app --port 8000`),
  );
}
