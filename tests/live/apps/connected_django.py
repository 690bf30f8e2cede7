"""Django with a connect worker beside it, to be run in a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpResponse
from django.urls import path

import inngest_asgi as inngest
from tests.live.apps.connected import inngest_app

if TYPE_CHECKING:
    from django.http import HttpRequest

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="none")
django.setup()


def home(request: HttpRequest) -> HttpResponse:
    return HttpResponse("this is Django")


urlpatterns = [path("", home)]
app = inngest.mount_asgi(get_asgi_application(), "/api/inngest", inngest_app)
