"""`inngest-asgi`, the command line; all it needs beyond the core is in the extra `server`."""

from __future__ import annotations

import sys

_EXTRA = frozenset(
    {"brotli", "celpy", "click", "cronsim", "google", "jwt", "re2", "rich", "uvicorn", "websockets"}
)
_INTERRUPTED = 130
"""The exit code of programs that Ctrl-C ended, as shells know it."""


def main() -> None:
    """Run the command line; without the extra, say in one line how to install it."""
    try:
        from inngest_asgi.cli.commands import commands
        from inngest_asgi.cli.loading import show_error
        from inngest_asgi.cli.stopping import leave
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        raise SystemExit(
            f"inngest-asgi needs the package {package!r}, which is not installed. "
            "Install what the command line needs: pip install 'inngest-asgi[server]'"
        ) from None
    except KeyboardInterrupt:  # nothing has begun yet
        raise SystemExit(_INTERRUPTED) from None
    sys.excepthook = show_error
    try:
        commands()
    except SystemExit as ended:
        leave(ended)
        raise
