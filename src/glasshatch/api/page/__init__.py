"""The page: server-rendered, without a build step, over the same desk as the API.

Everything but the live tail works without script. No page holds inline script or style.
"""

from .views import page_router
from .visit import PageSettings

__all__ = ["PageSettings", "page_router"]
