// Moments and lengths of time in words, and the one timer that keeps them true.

import { h } from "./dom.js";

const UNITS = [
  [86400, "d"],
  [3600, "h"],
  [60, "m"],
];
const EXACT = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false,
});
const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});
const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });

let skew = 0;

/** Take over the server's clock, in Unix seconds: browsers' clocks may be off. */
export function tellTime(serverNow) {
  const off = serverNow - Date.now() / 1000;
  skew = Math.abs(off) > 2 ? off : 0;
}

/** The current time on the server, in Unix seconds. */
export function now() {
  return Date.now() / 1000 + skew;
}

/** A length of time such as "340 ms", "1.25 s" or "3 h 12 m". */
export function length(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  const size = Math.max(seconds, 0);
  if (size < 0.0005) return "<1 ms";
  if (size < 0.9995) return `${Math.round(size * 1000)} ms`;
  if (size < 9.995) return `${size.toFixed(2)} s`;
  if (size < 59.95) return `${size.toFixed(1)} s`;
  const whole = Math.round(size);
  for (const [at, [unit, name]] of UNITS.entries()) {
    if (whole < unit) continue;
    const [below, belowName] = UNITS[at + 1] ?? [1, "s"];
    const rest = Math.floor((whole % unit) / below);
    return rest ? `${Math.floor(whole / unit)} ${name} ${rest} ${belowName}` : `${Math.floor(whole / unit)} ${name}`;
  }
  return `${whole} s`;
}

/** A length of time without digits that say nothing: "0", "500 ms", "2 s". */
export function short(seconds) {
  return seconds ? length(seconds).replace(/\.?0+ s$/, " s") : "0";
}

/** How long ago a moment was, or how far ahead it is. */
function relative(moment) {
  const ago = now() - moment;
  const size = Math.abs(ago);
  if (size < 1.5) return ago >= 0 ? "just now" : "now";
  const [unit, name] = UNITS.find(([one]) => size >= one) ?? [1, "s"];
  const text = `${Math.floor(size / unit)} ${name}`;
  return ago >= 0 ? `${text} ago` : `in ${text}`;
}

/** Date and time to the millisecond, in the browser's zone. */
export function exact(moment) {
  return EXACT.format(moment * 1000);
}

/** The time of day, with the date unless it is today. */
export function clock(moment) {
  const date = new Date(moment * 1000);
  const today = new Date(now() * 1000).toDateString() === date.toDateString();
  return today ? CLOCK.format(date) : `${DAY.format(date)}, ${CLOCK.format(date)}`;
}

/** An element that tells how long ago a moment was, the exact time on hover. */
export function ago(moment) {
  if (!moment) return h("span", { class: "muted" }, "–");
  return h(
    "time",
    { datetime: new Date(moment * 1000).toISOString(), title: exact(moment), dataset: { ago: moment } },
    relative(moment),
  );
}

/** An element that tells the time between two moments, and goes on while there is no second one. */
export function lasted(from, to) {
  if (!from) return h("span", { class: "muted" }, "–");
  if (to) return h("span", {}, length(to - from));
  return h("span", { dataset: { since: from } }, length(now() - from));
}

setInterval(() => {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-ago]")) {
    change(element, relative(Number(element.dataset.ago)));
  }
  for (const element of document.querySelectorAll("[data-since]")) {
    change(element, length(Math.floor(now() - Number(element.dataset.since))));
  }
}, 1000);

function change(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
