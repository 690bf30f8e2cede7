"""Hooks around functions, steps and the sending of events: what users override and are given."""

from inngest_asgi.middleware.base import Middleware, MiddlewareSync
from inngest_asgi.middleware.records import (
    CallNext,
    FunctionCall,
    MemoError,
    RequestCall,
    RunRecord,
    SendEventsCall,
    SendEventsResult,
    StepCall,
    StepInfo,
    StepMemo,
    StepMemos,
    StepRecord,
    TransformOutputResult,
)

__all__ = [
    "CallNext",
    "FunctionCall",
    "MemoError",
    "Middleware",
    "MiddlewareSync",
    "RequestCall",
    "RunRecord",
    "SendEventsCall",
    "SendEventsResult",
    "StepCall",
    "StepInfo",
    "StepMemo",
    "StepMemos",
    "StepRecord",
    "TransformOutputResult",
]
