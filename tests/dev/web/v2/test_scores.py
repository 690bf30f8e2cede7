"""Scores of runs and steps in REST v2."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dev.fakes import FakeApp, World, ops, output, ran, script
from tests.dev.web.asking import ULID, asked, within


def app() -> FakeApp:
    return FakeApp().add("one", script(ops(ran("a")), output("ok")))


@pytest.mark.parametrize("wrapped", [True, False])
def test_scores_are_kept_and_shown(wrapped: bool) -> None:  # noqa: FBT001
    scores = [
        {"name": "fast", "value": 0},
        {"name": "right", "value": True, "stepId": "a"},
        {"name": "liked", "value": 0.5, "experiment": {"id": "copy", "variant": "b"}},
    ]

    async def ask(here: World) -> None:
        run = await here.run_one()
        body = {"scores": scores} if wrapped else scores
        answer = await here.http.post(f"/v2/runs/{run.id}/scores", json=body)
        assert answer.json()["data"][0] == {"runId": run.id, "name": "fast", "value": 0}
        assert answer.json()["data"][1]["stepId"] == "a"
        trace = (await here.http.get(f"/v2/runs/{run.id}/trace")).json()["data"]["rootSpan"]
        by_kind = {one["kind"]: one["values"] for one in trace["metadata"]}
        assert by_kind == {
            "inngest.score": {"fast": '{"value":0}', "liked": '{"value":0.5}'},
            "inngest.experiment": {"name": '"copy"', "variant": '"b"'},
        }
        (step,) = [span for span in trace["children"] if span["name"] == "a"]
        assert step["metadata"][0]["values"] == {"right": '{"value":true}'}

    within(app(), ask)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "invalid_field_format"),
        ({}, "invalid_field_format"),
        ({"score": []}, "invalid_request"),
        ([{"name": "a", "value": 1}] * 101, "invalid_field_format"),
        (["a"], "invalid_request"),
        ([{"value": 1}], "missing_field"),
        ([{"name": "a"}], "invalid_field_format"),
        ([{"name": "a", "value": "1"}], "invalid_field_format"),
        ([{"name": "é" * 65, "value": 1}], "invalid_field_format"),
        ([{"name": "a", "value": 1, "experiment": {"id": "x"}}], "missing_field"),
        (
            [{"name": "a", "value": 1, "step_id": "s", "experiment": {"id": "x", "variant": "y"}}],
            "invalid_field_format",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_score_is_refused(body: Any, code: str) -> None:
    status, shown = asked("POST", f"/v2/runs/{ULID}/scores", json=body)
    assert (status, shown["errors"][0]["code"]) == (400, code)


def test_a_score_of_nothing_is_a_404() -> None:
    score = [{"name": "a", "value": 1}]
    status, shown = asked("POST", f"/v2/runs/{ULID}/scores", json=score)
    assert (status, shown["errors"][0]["code"]) == (404, "not_found")
