// Shows JSON as a tree whose branches are built when they are opened, and reads JSON people type.

import { h } from "./dom.js";
import { digits, read } from "./exact.js";
import { button, copyButton } from "./parts.js";

const OPEN_DEPTH = 2;
const MOST_CHILDREN = 100;
const LONGEST_TEXT = 2000;

/** A value as a tree. */
export function tree(value) {
  return h("div", { class: "json", tabindex: "0" }, node(null, value, 0));
}

/** A panel with a title, a copy button and a value. */
export function jsonPanel(title, value, ...tools) {
  return h(
    "section",
    { class: "panel", "aria-label": title },
    h("header", {}, h("h2", {}, title), tools, copyButton(() => JSON.stringify(value, null, 2), `Copy ${title.toLowerCase()}`)),
    tree(value),
  );
}

/**
 * A field for JSON that says what is wrong with it while one types.
 *
 * `check(value)` may return a sentence for what is JSON, but not what is wanted. Returns the parts,
 * and `read()`, which gives `{ok, value}`.
 */
export function editor(label, text, check = () => null) {
  const hint = h("p", { class: "hint", id: nextId(), "aria-live": "polite" });
  const area = h("textarea", {
    id: nextId(), spellcheck: "false", autocomplete: "off", autocapitalize: "off", value: text, "aria-describedby": hint.id,
  });
  const look = () => {
    const found = parse(area.value);
    const problem = found.problem ?? check(found.value);
    hint.textContent = problem ?? "Valid JSON";
    hint.classList.toggle("bad", Boolean(problem));
    area.setAttribute("aria-invalid", String(Boolean(problem)));
    return { ok: !problem, value: found.value };
  };
  area.addEventListener("input", look);
  area.addEventListener("keydown", (event) => indent(event, area));
  look();
  return {
    parts: [h("div", {}, h("label", { for: area.id }, label), area, hint)],
    area,
    read: look,
  };
}

export function pretty(value) {
  return JSON.stringify(value, null, 2);
}

let ids = 0;

function nextId() {
  ids += 1;
  return `part-${ids}`;
}

function parse(text) {
  if (!text.trim()) return { problem: "Empty; write {} for nothing." };
  try {
    return { value: read(text) };
  } catch (error) {
    return { problem: `Not JSON yet: ${place(error.message, text)}` };
  }
}

/** Turn the browser's "at position 17" into a line. */
function place(message, text) {
  const found = /position (\d+)/.exec(message);
  if (!found) return message;
  const before = text.slice(0, Number(found[1])).split("\n");
  const what = message.split(/ in JSON| at position/)[0];
  return `${what}, line ${before.length}, column ${before.at(-1).length + 1}.`;
}

/** Two spaces for a Tab, but only after typing: who comes by Tab must be able to leave by it. */
function indent(event, area) {
  if (event.key === "Escape") area.dataset.typing = "";
  else if (event.key !== "Tab" && event.key.length === 1) area.dataset.typing = "1";
  if (event.key !== "Tab" || event.shiftKey || !area.dataset.typing) return;
  event.preventDefault();
  area.setRangeText("  ", area.selectionStart, area.selectionEnd, "end");
}

function node(key, value, depth) {
  const number = digits(value);
  if (number !== undefined) return h("div", { class: "leaf" }, name(key), h("span", { class: "n" }, number));
  if (value !== null && typeof value === "object") return branch(key, value, depth);
  return h("div", { class: "leaf" }, name(key), leaf(value));
}

function branch(key, value, depth) {
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  const [open, shut] = isList ? ["[", "]"] : ["{", "}"];
  if (!entries.length) return h("div", { class: "leaf" }, name(key), `${open}${shut}`);
  const children = h("ul", {});
  const details = h(
    "details",
    {
      ontoggle: () => {
        if (details.open && !children.childElementCount) more(children, entries, isList, depth, 0);
      },
    },
    h("summary", {}, name(key), open, h("span", { class: "brief" }, ` ${entries.length} ${entries.length === 1 ? "entry" : "entries"} ${shut}`)),
    children,
    h("div", { class: "leaf" }, shut),
  );
  if (depth < OPEN_DEPTH && entries.length <= MOST_CHILDREN) details.open = true;
  return details;
}

function more(list, entries, isList, depth, from) {
  for (const [key, value] of entries.slice(from, from + MOST_CHILDREN)) {
    list.append(h("li", {}, node(isList ? null : key, value, depth + 1)));
  }
  const next = from + MOST_CHILDREN;
  if (next >= entries.length) return;
  const ask = h(
    "li",
    {},
    button(`${entries.length - next} more`, {
      kind: "small plain",
      onclick: () => {
        ask.remove();
        more(list, entries, isList, depth, next);
      },
    }),
  );
  list.append(ask);
}

function name(key) {
  return key === null ? null : [h("span", { class: "k" }, JSON.stringify(key)), ": "];
}

function leaf(value) {
  if (typeof value !== "string") return h("span", { class: "n" }, String(value));
  if (value.length <= LONGEST_TEXT) return h("span", { class: "s" }, JSON.stringify(value));
  const shown = h("span", { class: "s" }, JSON.stringify(value.slice(0, LONGEST_TEXT)).slice(0, -1), "…");
  return [
    shown,
    " ",
    button(`all ${value.length} characters`, {
      kind: "small plain",
      onclick: (event) => {
        shown.textContent = JSON.stringify(value);
        event.currentTarget.remove();
      },
    }),
  ];
}
