"""`python -m tests.hardening.coverage_guided [SECONDS]`: atheris on what reads foreign bytes.

Each target gets its share of the time, in a process of its own. An input that makes one raise
what it should not ends the process, and the input is shown.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 60
MISSING = (
    "atheris is not installed (it needs Linux or macOS, and a Python it has wheels for): "
    "the coverage-guided targets are skipped.\n"
)
_MOST_BYTES = 4096


def signatures() -> Callable[[bytes], None]:
    """Verify: the header, a line, then the body; only SignatureError may come."""
    from inngest_asgi.crypto.signatures import verify
    from inngest_asgi.errors import SignatureError

    def target(data: bytes) -> None:
        header, _, body = data.partition(b"\n")
        try:
            verify(body, header.decode("latin-1"), ("signkey-test-00ff", "signkey-x-11"), 1e9)
        except SignatureError:
            return
        raise AssertionError("a signature was forged")

    return target


def bodies() -> Callable[[bytes], None]:
    """Read a call; only CodecError and RequestError may come."""
    from inngest_asgi.errors import CodecError, RequestError
    from inngest_asgi.wire.calls import parse_call
    from inngest_asgi.wire.codec import loads

    def target(data: bytes) -> None:
        try:
            parse_call(loads(data), "shop-pay", None)
        except (CodecError, RequestError):
            return

    return target


def canonical_forms() -> Callable[[bytes], None]:
    """Bring JSON into canonical form, which is then its own; only CodecError may come."""
    from inngest_asgi.errors import CodecError
    from inngest_asgi.wire.codec import canonical

    def target(data: bytes) -> None:
        try:
            text = canonical(data)
        except CodecError:
            return
        assert canonical(text) == text

    return target


def memos() -> Callable[[bytes], None]:
    """Take memos out of their wrappers; only StepError may come."""
    from inngest_asgi.engine.memos import Memos, memo_result
    from inngest_asgi.errors import CodecError, StepError
    from inngest_asgi.wire.codec import loads

    def target(data: bytes) -> None:
        try:
            document = loads(data)
            if isinstance(document, dict):
                kept = Memos(document, list(document))
                for id in document:
                    kept.input_override(id)
                    kept.take(id)
            memo_result(document, "a")
        except (CodecError, StepError):
            return

    return target


TARGETS: dict[str, Callable[[], Callable[[bytes], None]]] = {
    one.__name__: one for one in (signatures, bodies, canonical_forms, memos)
}
SEEDS: dict[str, bytes] = {
    "signatures": b"t=1000000000&s=" + b"0" * 64 + b'\n{"a":1}',
    "bodies": b'{"event":{"name":"a","data":{}},"steps":{"x":{"data":1}},"ctx":{"attempt":0,'
    b'"stack":{"stack":["x"],"current":1}}}',
    "canonical_forms": b'{"b":[1e3,-0,"\\u00e9",null],"a":{"x":1.5}}',
    "memos": b'{"x":{"error":{"name":"E","message":"m","cause":{}}},"y":{"data":1}}',
}


def fuzz_one(name: str, flags: list[str]) -> None:
    """Fuzz one target in this process; it ends the process."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["inngest_asgi"]):
        target = TARGETS[name]()
    atheris.Setup([sys.argv[0], *flags], target)
    atheris.Fuzz()


def fuzz_all(seconds: int) -> int:
    """Fuzz each target in a process of its own; return 1 if one failed."""
    failed = [name for name in TARGETS if not _ends_well(name, seconds // len(TARGETS))]
    sys.stdout.write(f"{len(TARGETS)} coverage-guided targets, {len(failed)} failed\n")
    return 1 if failed else 0


def _ends_well(name: str, seconds: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder)
        (corpus / "seed").write_bytes(SEEDS[name])
        flags = [f"-max_total_time={seconds}", f"-max_len={_MOST_BYTES}", "-verbosity=0", folder]
        flags.append(f"-artifact_prefix={folder}/")
        done = subprocess.run(
            [sys.executable, "-m", "tests.hardening.coverage_guided", name, *flags],
            capture_output=True,
            text=True,
            check=False,
        )
    sys.stdout.write(f"{name}: {'fine' if done.returncode == 0 else done.stderr}\n")
    return done.returncode == 0


def main(arguments: list[str]) -> int:
    """Fuzz everything, or what the first argument names."""
    if importlib.util.find_spec("atheris") is None:
        sys.stdout.write(MISSING)
        return 0
    if arguments and arguments[0] in TARGETS:
        fuzz_one(arguments[0], arguments[1:])
    return fuzz_all(int(arguments[0]) if arguments else SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
