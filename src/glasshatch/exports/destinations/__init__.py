"""Where events go, one module each."""

from .folder import Folder
from .objects import Objects
from .s3 import S3Store, check_endpoint
from .syslog import Syslog, SyslogTarget
from .webhook import WebhookDestination

__all__ = ["Folder", "Objects", "S3Store", "Syslog", "SyslogTarget", "WebhookDestination", "check_endpoint"]
