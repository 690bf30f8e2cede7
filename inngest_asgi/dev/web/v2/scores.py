"""Scores of runs and steps in REST v2, which are kept as metadata (server-api.md 5)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from inngest_asgi.dev.metadata import Target, Update, hashed_step
from inngest_asgi.dev.web.bodies import body_of
from inngest_asgi.dev.web.replies import parsed
from inngest_asgi.dev.web.v2.replies import (
    Code,
    answer,
    fields_of,
    message,
    refused,
    text_in,
    ulid_in,
)
from inngest_asgi.wire.codec import Fragment, dumps

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from inngest_asgi.dev.web.served import Served

MOST_SCORES, LONGEST_NAME = 100, 128
_SCORE, _EXPERIMENT = "inngest.score", "inngest.experiment"


@dataclass(frozen=True, slots=True)
class Score:
    """How good a run, or a step of it, was."""

    name: str
    value: float
    step_id: str | None = None
    experiment: tuple[str, str] | None = None

    @property
    def target(self) -> Target:
        """What it is about."""
        return Target() if self.step_id is None else Target(hashed_step(self.step_id))

    @property
    def updates(self) -> list[Update]:
        """Return the metadata it is kept as."""
        score = Update(_SCORE, "merge", {self.name: {"value": self.value}})
        if self.experiment is None:
            return [score]
        name, variant = self.experiment
        return [Update(_EXPERIMENT, "merge", {"name": name, "variant": variant}), score]


def routes(server: Served) -> list[Route]:
    """Return the rows of the route table for scores."""

    async def score(request: Request) -> Response:
        run_id = ulid_in(request, "run_id")
        scores = read_scores(parsed(await body_of(request)))
        changes = [(one.target, one.updates) for one in scores]
        await server.annotations.add(run_id, changes)
        views = [_view(run_id, one) for one in scores]
        return answer(views, server.clock.time())

    return [Route("/runs/{run_id}/scores", score, methods=["POST"])]


def read_scores(document: Any) -> list[Score]:
    """Read scores: a list, or an object whose `scores` are one.

    Raises:
        RequestError: they make no sense (400).
    """
    if isinstance(document, dict):
        document = fields_of(document, "The body", "scores").get("scores")
    if not isinstance(document, list) or not 1 <= len(document) <= MOST_SCORES:
        text = f"scores must be an array of 1 to {MOST_SCORES} scores."
        raise refused(Code.INVALID_FIELD, text)
    return [_score(item) for item in document]


def _score(item: Any) -> Score:
    fields = fields_of(item, "A score", "name", "value", "step_id", "experiment")
    name = _short_text(fields, "name")
    value = fields.get("value")
    if not isinstance(value, bool | int | float) or not math.isfinite(value):
        text = f"value of score {name!r} must be a number, or true or false."
        raise refused(Code.INVALID_FIELD, text)
    step_id = text_in(fields, "step_id") if "step_id" in fields else None
    if "experiment" not in fields:
        return Score(name, value, step_id)
    if step_id is not None:
        raise refused(Code.INVALID_FIELD, "A score of an experiment is one of the run, not a step.")
    about = fields_of(fields["experiment"], "experiment", "id", "variant")
    return Score(name, value, None, (_short_text(about, "id"), _short_text(about, "variant")))


def _short_text(fields: dict[str, Any], name: str) -> str:
    text = text_in(fields, name)
    if len(text.encode()) > LONGEST_NAME:
        raise refused(Code.INVALID_FIELD, f"{name} has at most {LONGEST_NAME} bytes.")
    return text


def _view(run_id: str, score: Score) -> dict[str, Any]:
    experiment = None
    if score.experiment is not None:
        experiment = {"id": score.experiment[0], "variant": score.experiment[1]}
    value = Fragment(dumps(score.value))
    return message(
        runId=run_id, name=score.name, value=value, stepId=score.step_id, experiment=experiment
    )
