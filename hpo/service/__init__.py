"""The HTTP interface and the web page over a store."""

from hpo.service.app import Settings, create_app
from hpo.service.launch import Launcher, SubprocessLauncher
from hpo.service.server import serve

__all__ = ["Launcher", "Settings", "SubprocessLauncher", "create_app", "serve"]
