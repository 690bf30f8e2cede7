"""`python -m tests.hardening.flood [COUNT] [SEED]`: malformed requests in memory, by the thousand.

Exits with 1 and shows the first problems if one of them is answered by a traceback, by anything
that is not JSON, by a 500 that is not documented, or with a key; or if one of these is logged.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from random import Random

from tests.hardening.malformed import malformed
from tests.hardening.watching import asked_by, flooded, problems, watched_logs

COUNT = 100_000
SEED = 1
_MOST_SHOWN = 10


async def flood(count: int, seed: int) -> tuple[Counter[int], list[str]]:
    """Make `count` requests, half in dev and half in cloud mode, half answered by streams.

    Returns:
        How often each status was answered, and what went wrong.
    """
    chance = Random(seed)
    apps = [
        flooded(production=production, streaming=streaming)
        for streaming in (False, True)
        for production in (False, True)
    ]
    statuses: Counter[int] = Counter()
    found: list[str] = []
    with watched_logs() as logged:
        for n in range(count):
            sent = malformed(chance)
            try:
                answer = await asked_by(sent, apps[n % 4])
            except Exception as error:  # noqa: BLE001 - whatever the application lets out
                wrong = [f"a traceback: the application raised {error!r}"]
            else:
                statuses[answer.status] += 1
                wrong = problems(answer, sent, production=n % 2 == 1)
            if wrong or logged:
                found.append("\n    ".join([f"{sent}", *wrong, *logged]))
                logged.clear()
    return statuses, found


def main(arguments: list[str]) -> int:
    """Flood, and tell how it went."""
    count = int(arguments[0]) if arguments else COUNT
    seed = int(arguments[1]) if arguments[1:] else SEED
    statuses, found = asyncio.run(flood(count, seed))
    answers = ", ".join(f"{times} x {status}" for status, times in sorted(statuses.items()))
    tracebacks = sum("\n    a traceback" in one for one in found)
    lines = [
        *found[:_MOST_SHOWN],
        f"answers: {answers}",
        f"{count} malformed requests: {tracebacks} tracebacks, {len(found)} problems in all",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
