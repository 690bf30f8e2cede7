// Listens to the server's feed and says what changed; comes back by itself when the server does.

import { request } from "./api.js";

const SILENCE = 30_000;
const FIRST_PAUSE = 400;
const LONGEST_PAUSE = 4_000;
const OUT_OF_SIGHT = 15_000;

/**
 * Listen for ever.
 *
 * `onState("live" | "connecting" | "lost" | "locked")`, `onHello(about)` after each connect, and
 * `onNews({runs, events, apps})`; what happened while nobody listened is told as `runs: "any"`.
 */
export async function listen({ onState, onHello, onNews }) {
  let pause = FIRST_PAUSE;
  for (;;) {
    await inSight();
    try {
      await follow((kind, data) => {
        if (kind === "hello") {
          pause = FIRST_PAUSE;
          onState("live");
          onHello(data);
          onNews({ runs: "any", events: true, apps: true });
        } else if (kind === "changed") {
          onNews(data);
        }
      });
      onState("lost");
    } catch (error) {
      if (!document.hidden) onState(error.status === 401 ? "locked" : "lost");
    }
    await new Promise((resume) => wake(resume, pause));
    pause = Math.min(pause * 1.6, LONGEST_PAUSE);
  }
}

/** End the pause between two attempts, such as when a key was entered. */
export function retryNow() {
  pending?.();
}

let pending = null;

function wake(resume, pause) {
  const timer = setTimeout(() => pending?.(), pause);
  pending = () => {
    clearTimeout(timer);
    pending = null;
    resume();
  };
}

/** Wait until the page is seen: browsers open few connections, and hidden tabs shall hold none. */
async function inSight() {
  while (document.hidden) {
    await new Promise((resume) => document.addEventListener("visibilitychange", resume, { once: true }));
  }
}

async function follow(take) {
  const abort = new AbortController();
  let hiding = 0;
  const watch = () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(() => abort.abort(), OUT_OF_SIGHT);
  };
  document.addEventListener("visibilitychange", watch);
  let watchdog = setTimeout(() => abort.abort(), SILENCE);
  try {
    const response = await request("/ui/feed", { signal: abort.signal });
    if (!response.ok) throw Object.assign(new Error("refused"), { status: response.status });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(() => abort.abort(), SILENCE);
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) dispatch(block, take);
    }
  } finally {
    document.removeEventListener("visibilitychange", watch);
    clearTimeout(hiding);
    clearTimeout(watchdog);
    abort.abort();
  }
}

function dispatch(block, take) {
  let kind = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) kind = line.slice(7);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  if (data.length) take(kind, JSON.parse(data.join("\n")));
}
