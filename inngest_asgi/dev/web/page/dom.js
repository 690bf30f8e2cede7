// Builds elements; text goes in as text nodes only, so nothing that was sent is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element: attributes, `on*` listeners, `class`, `dataset`; children are nodes or text. */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) set(element, name, value);
  append(element, children);
  return element;
}

/** Make an icon from the shapes of `ICONS`. */
export function icon(name, label) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else {
    svg.setAttribute("aria-hidden", "true");
  }
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name] ?? ICONS.dot);
  svg.append(path);
  return svg;
}

/** Replace what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/**
 * Make the children of `parent` those of `items`, and touch only what changed.
 *
 * `make(item)` is called for new keys and where `version(item)` differs; focus stays where it was.
 */
export function keyed(parent, items, { key, version, make }) {
  const known = new Map();
  for (const child of parent.children) known.set(child.dataset.key, child);
  const focused = parent.contains(document.activeElement)
    ? document.activeElement.closest("[data-key]")?.dataset.key
    : null;
  let refocus = null;
  let place = parent.firstElementChild;
  for (const item of items) {
    const id = key(item);
    const stamp = version(item);
    let child = known.get(id);
    known.delete(id);
    if (!child || child.dataset.version !== stamp) {
      const fresh = make(item);
      fresh.dataset.key = id;
      fresh.dataset.version = stamp;
      if (child) {
        if (place === child) place = fresh;
        child.replaceWith(fresh);
        if (focused === id) refocus = fresh.querySelector("a, button");
      }
      child = fresh;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const gone of known.values()) gone.remove();
  refocus?.focus({ preventScroll: true });
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "value") element.value = value;
  else element.setAttribute(name, value === true ? "" : String(value));
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

const ICONS = {
  runs: "M2.5 4h6M5.5 8h6M8.5 12h5",
  events: "M9 1.8 3.5 9H8l-1 5.2L12.5 7H8z",
  functions: "M6.5 2.5c-1.7 0-2 .8-2 2.3S4.2 8 2.5 8c1.7 0 2 1.700 2 3.200s.3 2.300 2 2.300M9.500 2.500c1.700 0 2 .8 2 2.300S11.800 8 13.500 8c-1.700 0-2 1.700-2 3.200s-.3 2.300-2 2.300",
  apps: "M2.500 2.500h4.500v4.500h-4.500zM9 2.500h4.500v4.500H9zM2.500 9h4.500v4.500h-4.500zM9 9h4.500v4.500H9z",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10zM10.600 10.600 14 14",
  copy: "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3",
  check: "M3 8.500 6.500 12 13 4.500",
  cross: "M4 4l8 8M12 4l-8 8",
  moon: "M13.200 9.600A5.600 5.600 0 0 1 6.400 2.800a5.600 5.600 0 1 0 6.800 6.800z",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.500M8 13.500V15M1 8h1.500M13.500 8H15M3.050 3.050l1.060 1.060M11.890 11.890l1.060 1.060M3.050 12.950l1.060-1.060M11.890 4.110l1.060-1.060",
  auto: "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
  back: "M9.500 3 4.500 8l5 5",
  forward: "M6.500 3l5 5-5 5",
  rerun: "M13 8a5 5 0 1 1-1.700-3.750M13 1.800v3h-3",
  stop: "M4.500 4.500h7v7h-7z",
  play: "M4.500 3v10l8-5z",
  plus: "M8 3v10M3 8h10",
  run: "M8 2.500v11M2.500 8h11M4 4l8 8M12 4l-8 8",
  step: "M3 3.500h10v9H3z",
  sleep: "M8 4v4l2.500 2M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2z",
  wait: "M4 2.500h8M4 13.500h8M5 2.500c0 3.500 6 4.500 6 11M11 2.500c0 3.500-6 4.500-6 11",
  invoke: "M3 3v5.500h9M9.500 5.500l3 3-3 3",
  send: "M2 8l12-5-4 11-2.500-4.500z",
  signal: "M8 8.500v5M5.200 5.200a4 4 0 0 0 0 5.600M10.800 5.200a4 4 0 0 1 0 5.600M3.100 3.100a7 7 0 0 0 0 9.800M12.900 3.100a7 7 0 0 1 0 9.800",
  ai: "M8 2l1.400 4.600L14 8l-4.600 1.400L8 14l-1.400-4.600L2 8l4.600-1.400z",
  link: "M6.500 3.500h-4v10h10v-4M9 2.500h4.500V7M13.500 2.500 7.500 8.500",
  clock: "M8 4v4l2.500 2M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2z",
  warn: "M8 2 14.500 13.500h-13zM8 6.500v3.500M8 11.800v.2",
  dot: "M8 6.500a1.500 1.500 0 1 0 0 3 1.500 1.500 0 0 0 0-3z",
  trash: "M3 4.500h10M6 4.500v-2h4v2M4.500 4.500l.5 9h6l.5-9",
};
