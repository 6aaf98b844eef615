"""A router that stands in one application."""

from __future__ import annotations

from typing import Any

from litestar import Router


class OnlyRouter(Router):
    """A router made for one place in one application, which takes it as it is.

    The framework copies a router with everything in it when it is put into another, as it might be put
    elsewhere too. For ours, which nobody else holds, that was a tenth of what the application costs.
    """

    def __deepcopy__(self, memo: dict[int, Any]) -> OnlyRouter:
        return self
