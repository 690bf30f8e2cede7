// From moments to places on a timeline; pure. Waits in which nothing runs may be drawn shorter.

const STEPS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900,
  1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000,
];
const WORTH_SHORTENING = 0.15;
const SHORTEST_GAP = 1;
const SHORTENED = 0.08;

/**
 * A scale over `[from, to]` with at most so many ticks; `busy` are the stretches in which something
 * runs, each as `[from, to]`, too.
 *
 * `place(moment)` is between 0 and 1, `ticks` have a place and the seconds since the beginning,
 * `gaps` are the places of waits that are drawn shorter than they were.
 */
export function makeScale(from, to, busy, { shorten, most }) {
  const total = Math.max(to - from, 0.001);
  const gaps = shorten ? longGaps(from, from + total, busy) : [];
  const saved = gaps.reduce((sum, [start, end]) => sum + end - start, 0);
  const room = gaps.length ? Math.max(total - saved, total * 0.0001) : total;
  const stand = gaps.length ? (room * SHORTENED) / Math.max(1 - SHORTENED * gaps.length, 0.3) : 0;
  const drawn = total - saved + stand * gaps.length;

  const place = (moment) => {
    let length = Math.min(Math.max(moment, from), from + total) - from;
    for (const [start, end] of gaps) {
      if (moment >= end) length -= end - start - stand;
      else if (moment > start) length -= (moment - start) * (1 - stand / (end - start));
    }
    return Math.min(Math.max(length / drawn, 0), 1);
  };
  const even = evenTicks(total, most).filter((at) => !gaps.some(([start, end]) => from + at > start && from + at <= end));
  const ends = gaps.map(([, end]) => end - from);
  const ticks = spread([...ends, ...even], 0.8 / most, (at) => place(from + at));
  return { place, ticks, gaps: gaps.map(([start, end]) => ({ from: place(start), to: place(end), seconds: end - start })) };
}

/** Whether shortening waits would change much. */
export function hasLongGaps(from, to, busy) {
  return longGaps(from, to, busy).length > 0;
}

function longGaps(from, to, busy) {
  const gaps = [];
  const shortest = Math.max((to - from) * WORTH_SHORTENING, SHORTEST_GAP);
  let end = from;
  for (const [start, stop] of [...busy].sort((one, other) => one[0] - other[0])) {
    if (start - end > shortest) gaps.push([end, start]);
    end = Math.max(end, stop);
  }
  if (to - end > shortest) gaps.push([end, to]);
  return gaps;
}

function evenTicks(total, most) {
  const step = STEPS.find((one) => total / one <= most) ?? STEPS.at(-1);
  return Array.from({ length: Math.floor(total / step) + 1 }, (_, at) => at * step);
}

/** Leave out what would stand too close; what comes first in the list is kept first. */
function spread(moments, apart, place) {
  const kept = [];
  for (const seconds of moments) {
    const at = place(seconds);
    if (kept.every((one) => Math.abs(one.place - at) >= apart)) kept.push({ place: at, seconds });
  }
  return kept.sort((one, other) => one.place - other.place);
}
