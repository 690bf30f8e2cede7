// The functions: what starts them, their flow control in words, and a button that invokes them.

import { get, post } from "./api.js";
import { fill, h, icon } from "./dom.js";
import { editor, pretty } from "./json.js";
import { button, copyable, dialog, empty, snippet } from "./parts.js";
import { go, to } from "./router.js";

export function open(root, { state }) {
  const show = () => {
    const groups = grouped(state.functions);
    fill(
      root,
      h("div", { class: "head" }, h("h1", {}, "Functions"), h("span", { class: "muted" }, counted(state.functions.length))),
      state.functions.length
        ? [...groups].map(([app, functions]) => [
            groups.size > 1 ? h("div", { class: "group" }, h("h2", {}, app), h("span", { class: "muted" }, counted(functions.length))) : null,
            h("div", { class: "cards" }, functions.map(card)),
          ])
        : h("div", { class: "list" }, nothing()),
    );
  };
  show();
  return {
    title: "Functions",
    onNews(news) {
      if (news.apps) show();
    },
    close() {},
  };
}

/** Open the form that starts a function by hand, with the data of its last event to begin with. */
export async function invoke(one) {
  const event = one.triggers.find((trigger) => trigger.event && !trigger.event.endsWith("*"))?.event;
  const last = event ? await lastData(event) : null;
  const field = editor("Data", pretty(last ?? {}), (value) => (value === null || typeof value !== "object" || Array.isArray(value) ? "The data of an event is an object." : null));
  const problem = h("p", { class: "hint bad", role: "alert" });
  const about = last ? `Filled in from the last ${event} event.` : "It gets this as event.data.";
  dialog(`Invoke ${one.name}`, about, (close) =>
    h(
      "form",
      {
        class: "form",
        onsubmit: async (submitted) => {
          submitted.preventDefault();
          const { ok, value } = field.read();
          if (!ok) {
            field.area.focus();
            return;
          }
          try {
            const path = `/v2/apps/${encodeURIComponent(one.app)}/functions/${encodeURIComponent(one.slug)}/invoke`;
            const { data } = await post(path, { data: value });
            close();
            go(to(["runs", data.runId]));
          } catch (error) {
            problem.textContent = error.message;
          }
        },
      },
      field.parts,
      problem,
      h("div", { class: "actions" }, button("Cancel", { onclick: close }), button("Invoke", { kind: "primary", sign: "play", type: "submit" })),
    ),
  );
}

function card(one) {
  return h(
    "article",
    { class: "card", "aria-label": one.name },
    h(
      "div",
      { class: "top" },
      h("div", { class: "grow" }, h("h2", {}, one.name), h("span", { class: "slug" }, copyable(one.slug, "Copy the function's id"))),
      h("a", { class: "button plain small", href: to(["runs"], { function: one.slug }) }, "Runs"),
      button("Invoke…", { sign: "play", kind: "small", "aria-label": `Invoke ${one.name}`, onclick: () => invoke(one) }),
    ),
    h("div", { class: "tags" }, one.triggers.map(trigger), h("span", { class: "tag" }, attempts(one.max_attempts))),
    one.flow.length ? h("ul", { class: "flow" }, one.flow.map(({ kind, text }) => h("li", {}, h("span", {}, kind), h("span", {}, text)))) : null,
  );
}

function trigger(one) {
  if (one.cron) return h("span", { class: "tag" }, icon("clock"), h("span", {}, "cron "), h("code", {}, one.cron), one.jitter ? ` + up to ${one.jitter}` : null);
  return h("span", { class: "tag" }, icon("events"), h("code", {}, one.event), one.expression ? [" if ", h("code", {}, one.expression)] : null);
}

function attempts(count) {
  return count === 1 ? "1 attempt" : `${count} attempts`;
}

async function lastData(name) {
  try {
    const { events } = await get("/ui/events", { name, limit: 1 });
    if (!events.length) return null;
    return (await get(`/ui/events/${events[0].id}`)).event.body.data;
  } catch {
    return null;
  }
}

function grouped(functions) {
  const groups = new Map();
  for (const one of functions) groups.set(one.app, [...(groups.get(one.app) ?? []), one]);
  return groups;
}

function counted(count) {
  return `${count} ${count === 1 ? "function" : "functions"}`;
}

function nothing() {
  return empty(
    "functions",
    "No functions yet",
    "Functions come with the apps that serve them. Write one, serve it, and give the server its URL under Apps:",
    snippet(
      "import inngest_asgi as inngest\n\nclient = inngest.Inngest(app_id=\"shop\")\n\n\n@client.create_function(fn_id=\"welcome\", trigger=inngest.TriggerEvent(event=\"shop/signed.up\"))\nasync def welcome(ctx: inngest.Context) -> str:\n    return await ctx.step.run(\"greet\", lambda: f\"Hello {ctx.event.data['email']}\")\n\n\napp = inngest.serve(client)",
    ),
  );
}
