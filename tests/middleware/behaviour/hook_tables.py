"""What a call's hooks are, in the order they run, for each kind of call."""

from __future__ import annotations

FIRST_CALL = """
    wrap_request (
    transform_input
    on_run_start
    wrap_function (
    on_memoization_end
    before_execution
    wrap_step (
    on_step_start
    wrap_step_handler (
    wrap_step_handler )
    after_execution
    transform_output
    on_step_complete
    wrap_step )
    wrap_function )
    before_response
    wrap_request )
"""
SECOND_CALL = """
    wrap_request (
    transform_input
    wrap_function (
    wrap_step (
    on_memoization_end
    before_execution
    wrap_step )
    wrap_step (
    on_step_start
    wrap_step_handler (
    wrap_step_handler )
    after_execution
    transform_output
    on_step_complete
    wrap_step )
    wrap_function )
    before_response
    wrap_request )
"""
LAST_CALL = """
    wrap_request (
    transform_input
    wrap_function (
    wrap_step (
    wrap_step )
    wrap_step (
    on_memoization_end
    before_execution
    wrap_step )
    wrap_function )
    after_execution
    transform_output
    on_run_complete
    before_response
    wrap_request )
"""
A_PLAN = """
    wrap_request (
    transform_input
    wrap_function (
    wrap_step (
    on_memoization_end
    before_execution
    wrap_step )
    wrap_step (
    wrap_step (
    wrap_step )
    wrap_step )
    wrap_function )
    after_execution
    before_response
    wrap_request )
"""
A_TARGET = """
    wrap_request (
    transform_input
    wrap_function (
    wrap_step (
    on_memoization_end
    before_execution
    wrap_step )
    wrap_step (
    wrap_step (
    on_step_start
    wrap_step_handler (
    wrap_step_handler )
    after_execution
    transform_output
    on_step_complete
    wrap_step )
    wrap_step )
    wrap_function )
    before_response
    wrap_request )
"""
A_SLEEP = """
    wrap_request (
    transform_input
    on_run_start
    wrap_function (
    on_memoization_end
    before_execution
    wrap_step (
    wrap_step )
    wrap_function )
    after_execution
    transform_output
    before_response
    wrap_request )
"""
A_FAILED_STEP = """
    wrap_request (
    transform_input
    on_run_start
    wrap_function (
    on_memoization_end
    before_execution
    wrap_step (
    on_step_start
    wrap_step_handler (
    wrap_step_handler )
    after_execution
    transform_output
    on_step_error
    wrap_step )
    wrap_function )
    before_response
    wrap_request )
"""
A_FAILURE = """
    wrap_request (
    transform_input
    on_run_start
    wrap_function (
    on_memoization_end
    before_execution
    wrap_function )
    transform_output
    on_run_error
    before_response
    wrap_request )
"""
A_CAUGHT_STEP_ERROR = """
    wrap_request (
    transform_input
    wrap_function (
    wrap_step (
    on_memoization_end
    before_execution
    wrap_step )
    wrap_function )
    transform_output
    on_run_error
    before_response
    wrap_request )
"""
A_PLAN_BLOCKING = """
    wrap_request (
    transform_input
    wrap_function (
    wrap_step (
    on_memoization_end
    before_execution
    wrap_step )
    wrap_step (
    wrap_step )
    wrap_step (
    wrap_step )
    wrap_function )
    after_execution
    before_response
    wrap_request )
"""
A_TARGET_BLOCKING = """
    wrap_request (
    transform_input
    wrap_function (
    wrap_step (
    on_memoization_end
    before_execution
    wrap_step )
    wrap_step (
    wrap_step )
    wrap_step (
    on_step_start
    wrap_step_handler (
    wrap_step_handler )
    after_execution
    transform_output
    on_step_complete
    wrap_step )
    wrap_function )
    before_response
    wrap_request )
"""


def lines(table: str) -> list[str]:
    """Return a table as a list."""
    return [line.strip() for line in table.strip().splitlines()]
