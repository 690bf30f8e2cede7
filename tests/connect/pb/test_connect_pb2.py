"""The generated code is that of connect.proto, and the fields are those of the protocol."""

from __future__ import annotations

import re
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from inngest_asgi.connect.pb import connect_pb2 as pb
from tests.house.source import ROOT

PROTO = (ROOT / "inngest_asgi/connect/pb/connect.proto").read_text(encoding="utf-8")
BLOCK = re.compile(r"^(message|enum) (\w+) \{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
FIELD = re.compile(r"^ +(?:(optional|repeated) )?([\w.]+) (\w+) = (\d+);", re.MULTILINE)
VALUE = re.compile(r"^ +(\w+) = (\d+);", re.MULTILINE)

IDS = "request_id:1 account_id:2 env_id:3 app_id:4"
RUN = f"{IDS} function_slug:5 step_id:6 system_trace_ctx:7 user_trace_ctx:8 run_id:9"

NUMBERS = {
    "ConnectMessage": "kind:1 payload:2",
    "StartRequest": "exclude_gateways:1",
    "StartResponse": "connection_id:1 gateway_endpoint:2 gateway_group:3 session_token:4 "
    "sync_token:5",
    "AuthData": "session_token:1 sync_token:2",
    "AppConfiguration": "app_name:1 app_version:2 functions:4",
    "SystemAttributes": "cpu_cores:1 mem_bytes:2 os:3",
    "WorkerConnectRequestData": "connection_id:1 instance_id:2 auth_data:3 capabilities:4 apps:5 "
    "worker_manual_readiness_ack:6 system_attributes:7 environment:8 framework:9 platform:10 "
    "sdk_version:11 sdk_language:12 started_at:13 max_worker_concurrency:14",
    "GatewayConnectionReadyData": "heartbeat_interval:1 extend_lease_interval:2 status_interval:3",
    "WorkerStatusData": "in_flight_request_ids:1 shutdown_requested:2",
    "GatewayExecutorRequestData": f"{IDS} app_name:5 function_id:6 function_slug:7 step_id:8 "
    "request_payload:9 system_trace_ctx:10 user_trace_ctx:11 run_id:12 lease_id:13 job_id:14",
    "WorkerRequestAckData": RUN,
    "WorkerRequestExtendLeaseData": f"{RUN} lease_id:10",
    "WorkerRequestExtendLeaseAckData": f"{IDS} function_slug:5 new_lease_id:6",
    "SDKResponse": f"{IDS} status:5 body:6 no_retry:7 retry_after:8 sdk_version:9 "
    "request_version:10 system_trace_ctx:11 user_trace_ctx:12 run_id:13",
    "WorkerReplyAckData": "request_id:1",
    "FlushResponse": "request_id:1",
    "SystemError": "code:1 data:2 message:3",
}
"""The tables of connect.md 2.2, written down a second time."""

SCALARS = {3: "int64", 5: "int32", 8: "bool", 9: "string", 12: "bytes", 13: "uint32"}


FILE = FileDescriptorProto()
pb.DESCRIPTOR.CopyToProto(FILE)
GENERATED = {message.name: message for message in FILE.message_type}
ENUMS = {enum.name: enum for enum in FILE.enum_type}


def blocks(kind: str) -> list[tuple[str, str]]:
    return [(name, body) for found, name, body in BLOCK.findall(PROTO) if found == kind]


def first_line(text: str) -> str:
    return text.partition("\n")[0]


def written_fields(body: str) -> set[tuple[str, int, str, str]]:
    found = FIELD.findall(body)
    return {(name, int(number), label, kind.split(".")[-1]) for label, kind, name, number in found}


def generated_fields(name: str) -> set[tuple[str, int, str, str]]:
    return {
        (field.name, field.number, label_of(field), type_of(field))
        for field in GENERATED[name].field
    }


def label_of(field: Any) -> str:
    if field.label == field.LABEL_REPEATED:
        return "repeated"
    return "optional" if field.proto3_optional else ""


def type_of(field: Any) -> str:
    return SCALARS.get(field.type) or str(field.type_name).rpartition(".")[2]


@pytest.mark.parametrize(("name", "body"), blocks("message"), ids=first_line)
def test_a_message_is_generated_as_it_is_written(name: str, body: str) -> None:
    assert generated_fields(name) == written_fields(body)


@pytest.mark.parametrize(("name", "body"), blocks("enum"), ids=first_line)
def test_an_enum_is_generated_as_it_is_written(name: str, body: str) -> None:
    written = {(value, int(number)) for value, number in VALUE.findall(body)}
    assert {(value.name, value.number) for value in ENUMS[name].value} == written


def test_nothing_is_generated_that_is_not_written() -> None:
    written = {name for kind in ("message", "enum") for name, _ in blocks(kind)}
    assert {*GENERATED, *ENUMS} == written


@pytest.mark.parametrize(("name", "fields"), list(NUMBERS.items()), ids=list(NUMBERS))
def test_a_message_has_the_numbers_of_the_protocol(name: str, fields: str) -> None:
    generated = GENERATED[name].field
    assert " ".join(f"{field.name}:{field.number}" for field in generated) == fields


def test_every_message_is_in_the_table() -> None:
    assert set(NUMBERS) == set(GENERATED)


def test_names_do_not_clash_with_those_of_other_sdks() -> None:
    assert pb.DESCRIPTOR.package == "inngest_asgi.connect.v1"
    assert pb.DESCRIPTOR.name == "inngest_asgi/connect/pb/connect.proto"


def test_the_code_runs_with_every_protobuf_we_support() -> None:
    generated = (ROOT / "inngest_asgi/connect/pb/connect_pb2.py").read_text(encoding="utf-8")
    assert "# Protobuf Python Version: 5.29." in generated
