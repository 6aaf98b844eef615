"""The page: server-rendered, without a build step, over the same desk as the API.

Everything but the live tail works without script. No page holds inline script or style. Every handler
runs behind one guard, which lets nobody in but a signed-in visitor, and no form but the visitor's own.
"""

from .site import page_router
from .visit import PageSettings

__all__ = ["PageSettings", "page_router"]
