"""Open files: as many as may be, and a word where that is too few."""

from __future__ import annotations

import resource

from glasshatch.app.serve.files import allow_files


def test_the_bound_is_raised_and_too_few_are_told() -> None:
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
        assert allow_files(20) == ""
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (most, most)
        if most != resource.RLIM_INFINITY:
            complaint = allow_files(most)
            assert f"enough for {(most - 200) // 2} of them" in complaint
            assert f"raise its limit to {2 * most + 200}" in complaint
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))
