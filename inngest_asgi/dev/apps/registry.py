"""The apps and functions a server knows, by what one looks them up by; it calls nobody."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from inngest_asgi.dev.apps.registration import normalized_url, parse_registration, usual_form
from inngest_asgi.dev.records import App, Changes, Function
from inngest_asgi.dev.triggers import event_patterns
from inngest_asgi.errors import RequestError
from inngest_asgi.wire.codec import canonical, dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from inngest_asgi.clock import Clock
    from inngest_asgi.dev.apps.registration import FunctionSpec, Registration
    from inngest_asgi.dev.commits import Commits


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a registration: `modified` says whether it brought anything new."""

    app: App
    modified: bool


class Registry:
    """Who is registered. Changes are saved before they count.

    Args:
        apps: those the store knows. `latest` is the one that registered last, and all of
            `on_change` are called whenever functions came or went.
        functions: those the store knows, archived ones included: their runs go on.
    """

    def __init__(self, clock: Clock, apps: Iterable[App], functions: Iterable[Function]) -> None:
        self._clock = clock
        self._apps = {app.id: app for app in apps}
        self._functions = {function.id: function for function in functions}
        self._listeners: dict[str, list[Function]] = {}
        self.latest: App | None = None
        self.on_change: list[Callable[[], None]] = []
        self._refusals: dict[str, str] = {}
        self._index()

    @property
    def apps(self) -> list[App]:
        """All known apps, by name."""
        return sorted(self._apps.values(), key=lambda app: app.name)

    @property
    def functions(self) -> list[Function]:
        """All functions that can be started, by slug."""
        live = (one for one in self._functions.values() if one.archived_at is None)
        return sorted(live, key=lambda function: function.slug)

    def function(self, function_id: str) -> Function:
        """Return a function by its UUID, archived or not."""
        return self._functions[function_id]

    def find(self, name: str) -> Function | None:
        """Return the function with a slug or UUID, if it can be started."""
        known = self._functions.get(name)
        if known is not None and known.archived_at is None:
            return known
        return next((one for one in self.functions if one.slug == name), None)

    def ids_of(self, slug: str) -> tuple[str, ...]:
        """Return the UUIDs of all functions that were ever called so, archived ones included."""
        return tuple(one.id for one in self._functions.values() if one.slug == slug)

    def listening(self, event_name: str) -> list[Function]:
        """Return the functions with a trigger whose event, or pattern, fits the name."""
        found: dict[str, Function] = {}
        for pattern in event_patterns(event_name):
            found |= {function.id: function for function in self._listeners.get(pattern, ())}
        return list(found.values())

    def app_at(self, url: str) -> App | None:
        """Return the app that is served at a URL."""
        return next((app for app in self._apps.values() if app.url == url), None)

    async def add_url(self, url: str, commits: Commits) -> App:
        """Remember an app by its URL, before it registers.

        Raises:
            RequestError: it is not a URL.
        """
        url = normalized_url(url)
        known = self.app_at(url)
        if known is not None:
            return known
        app = App(id=app_id(url), name=url, url=url)
        await commits.commit(Changes(apps=[app]))
        self._apps[app.id] = app
        return app

    async def register(self, document: Any, commits: Commits) -> Registered:
        """Take over what an app registers.

        Raises:
            RequestError: it is refused; nothing changes.
        """
        try:
            registration = parse_registration(document)
        except RequestError as error:
            self._note_refusal(document, str(error))
            raise
        checksum = _checksum(document)
        known = self._apps.get(app_id(registration.app_name))
        now = self._clock.time()
        app = App(
            id=app_id(registration.app_name),
            name=registration.app_name,
            url=registration.url,
            sdk=registration.sdk,
            framework=registration.framework,
            app_version=registration.app_version,
            checksum=checksum,
            synced_at=now,
        )
        self.latest = app
        same = known is not None and known.checksum == checksum and known.error is None
        if same:
            self._apps[app.id] = app
            return Registered(app, modified=False)
        await self._take_over(app, registration, commits)
        return Registered(app, modified=known is None or known.checksum != checksum)

    def take_refusal(self, url: str) -> str | None:
        """Return, once, why the last registration that named `url` was refused."""
        return self._refusals.pop(url, None)

    async def note_error(self, app: App, error: str, commits: Commits) -> None:
        """Remember why an app could not be synced, unless it was removed meanwhile."""
        if app.id not in self._apps:
            return
        failing = replace(app, error=error)
        self._apps[app.id] = failing
        await commits.commit(Changes(apps=[failing]))

    async def remove(self, url: str, commits: Commits) -> bool:
        """Forget the app at a URL; its runs go on. Returns whether there was one."""
        app = self.app_at(normalized_url(url))
        if app is None:
            return False
        archived = self._archived(app.id, keep=set())
        await commits.commit(Changes(gone_apps=[app.id], functions=archived))
        self._apps.pop(app.id, None)
        self._adopt(archived)
        return True

    def _note_refusal(self, document: Any, error: str) -> None:
        fields = usual_form(document)
        url = fields.get("url") if isinstance(fields, dict) else None
        if isinstance(url, str):
            with contextlib.suppress(RequestError):
                self._refusals[normalized_url(url)] = error

    async def _take_over(self, app: App, registration: Registration, commits: Commits) -> None:
        functions = [self._function(app, spec) for spec in registration.functions]
        archived = self._archived(app.id, keep={function.id for function in functions})
        gone = self._replaced_by(app)
        for one in gone:
            archived += self._archived(one, keep=set())
        await commits.commit(Changes(apps=[app], gone_apps=gone, functions=functions + archived))
        for one in gone:
            self._apps.pop(one, None)
        self._apps[app.id] = app
        self._adopt(functions + archived)

    def _replaced_by(self, app: App) -> list[str]:
        """Return the apps that were at the URL before: placeholders, and those of other names.

        A URL serves one app. Were a renamed one kept, events would start functions that are gone.
        Workers that connected all have the same URL, which is none of HTTP.
        """
        if not app.url.startswith("http"):
            return []
        return [one.id for one in self._apps.values() if one.url == app.url and one.id != app.id]

    def _function(self, app: App, spec: FunctionSpec) -> Function:
        function_id = str(uuid.uuid5(uuid.UUID(app.id), spec.slug))
        known = self._functions.get(function_id)
        return Function(
            id=function_id,
            app_id=app.id,
            slug=spec.slug,
            name=spec.name,
            url=spec.url,
            max_attempts=spec.max_attempts,
            triggers=spec.triggers,
            config=spec.config,
            created_at=known.created_at if known else self._clock.time(),
        )

    def _archived(self, app_id: str, keep: set[str]) -> list[Function]:
        now = self._clock.time()
        return [
            replace(function, archived_at=now)
            for function in self.functions
            if function.app_id == app_id and function.id not in keep
        ]

    def _adopt(self, functions: list[Function]) -> None:
        self._functions |= {function.id: function for function in functions}
        self._index()
        for notify in self.on_change:
            notify()

    def _index(self) -> None:
        self._listeners = {}
        for function in self.functions:
            for event in {trigger.get("event") for trigger in function.triggers}:
                if event:
                    self._listeners.setdefault(event, []).append(function)


def app_id(name: str) -> str:
    """Return the UUID of an app, which follows from its name (server-api.md 1)."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))


def _checksum(document: Any) -> str:
    body = {key: item for key, item in usual_form(document).items() if key != "featureObservations"}
    return hashlib.sha256(canonical(dumps(body))).hexdigest()
