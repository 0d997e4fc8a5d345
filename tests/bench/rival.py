"""django-helpdesk from its package, in a folder of its own, fed by its get_email command: somebody to measure against."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import time
import venv
from dataclasses import dataclass
from pathlib import Path

_SETTINGS = """
from pathlib import Path
HERE = Path(__file__).parent
SECRET_KEY = "measured"
USE_TZ = True
SITE_ID = 1
ROOT_URLCONF = "rival_urls"
INSTALLED_APPS = [*("django.contrib." + name for name in
    ("auth", "contenttypes", "sessions", "sites", "messages", "admin", "staticfiles", "humanize")), "rest_framework", "helpdesk"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {"context_processors": [
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages"]}}]
MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL, MEDIA_URL, MEDIA_ROOT = "/static/", "/media/", HERE / "media"
EMAIL_BACKEND, EMAIL_FILE_PATH = "django.core.mail.backends.filebased.EmailBackend", HERE / "out"
HELPDESK_TEAMS_MODE_ENABLED = HELPDESK_KANBAN_ENABLED = False
"""
_URLS = """
from django.urls import include, path
urlpatterns = [path("", include("helpdesk.urls", namespace="helpdesk"))]
"""
_QUEUE = """
import sys, django
django.setup()
from django.core.management import call_command
from helpdesk.models import EmailTemplate, Queue
call_command("migrate", verbosity=0)
if not EmailTemplate.objects.exists():
    call_command("loaddata", "emailtemplate.json", verbosity=0)
Queue.objects.create(title="Support", slug="support", email_address="support@desk.example", allow_email_submission=True,
    email_box_type="local", email_box_local_dir=sys.argv[1], email_box_interval=0)
"""


def install(folder: Path) -> Path:
    """The interpreter of a virtual environment with django-helpdesk; made where it is missing."""
    python = folder / "bin" / "python"
    if not python.exists():
        print("installing django-helpdesk ...", file=sys.stderr)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "django-helpdesk"], check=True)
    return python


def version(python: Path) -> str:
    code = "import importlib.metadata as m; print('django-helpdesk', m.version('django-helpdesk') + ', Django', m.version('django'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@dataclass(frozen=True)
class Run:
    mails: int
    tickets: int
    seconds: float  # of the whole command
    start_seconds: float  # of the same command with nothing to do
    cpu_seconds: float
    peak_mb: float


class Site:
    """A fresh installation: settings, database, one queue that reads a folder."""

    def __init__(self, python: Path, folder: Path) -> None:
        self.python = python
        self.folder = folder
        self.box = folder / "box"
        self.box.mkdir(parents=True)
        (folder / "rival_settings.py").write_text(_SETTINGS)
        (folder / "rival_urls.py").write_text(_URLS)
        self.environment = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "rival_settings",
            "PYTHONPATH": str(folder),
        }
        self._run("-c", _QUEUE, str(self.box))

    def _run(self, *words: str) -> tuple[float, resource.struct_rusage]:
        """Seconds, and what the process used."""
        begun = time.perf_counter()
        process = subprocess.Popen(
            [self.python, *words], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        taken = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stderr.close()
        if process.returncode:
            raise SystemExit(f"the rival failed: {said.decode(errors='replace')[-2000:]}")
        return taken, used

    def get_email(self, mails: list[bytes]) -> Run:
        """One run of its command over these mails."""
        command = ("-m", "django", "get_email", "--quiet")
        start, _ = self._run(*command)
        for number, raw in enumerate(mails):
            (self.box / f"{number:06}.eml").write_bytes(raw)
        seconds, used = self._run(*command)
        left = len(list(self.box.iterdir()))
        database = sqlite3.connect(self.folder / "db.sqlite3")
        (tickets,) = database.execute("SELECT count(*) FROM helpdesk_ticket").fetchone()
        database.close()
        return Run(len(mails) - left, tickets, seconds, start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
