"""Compiles the kernels (Cython) with the wheel, where this machine can.

Optional on purpose: without a C compiler, Python's headers or Cython the wheel is made without it, and
the package does the same work in Python. `GLASSHATCH_KERNEL=python` in the environment leaves it out.
An editable install puts it beside its source. By hand: `python hatch_build.py`.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # by hand, where only Cython and setuptools are installed
    BuildHookInterface = object  # type: ignore[assignment, misc]

ROOT = Path(__file__).resolve().parent
SOURCES = (
    ROOT / "src/glasshatch/index/columnkernel.pyx",
    ROOT / "src/glasshatch/masking/rowkernel.pyx",
    ROOT / "src/glasshatch/masking/scankernel.pyx",
    ROOT / "src/glasshatch/masking/eventkernel.pyx",
    ROOT / "src/glasshatch/sources/json/linekernel.pyx",
)


class KernelHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds the compiled modules to a wheel, or puts them in place for an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the files are collected; a failure is said and leaves the wheel pure."""
        self._work = Path(tempfile.mkdtemp(prefix="glasshatch-kernel-"))
        built = compile_all(self._work)
        if not built:
            return
        if version == "editable":
            put_in_place(built)
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for source, binary in built.items():
            place = source.relative_to(ROOT / "src").parent / binary.name
            build_data["force_include"][str(binary)] = str(place)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel is written: what was made for it goes."""
        shutil.rmtree(self._work, ignore_errors=True)


def compile_all(work: Path) -> dict[Path, Path]:
    """The compiled module of each source, below `work`; empty if this machine cannot."""
    if os.environ.get("GLASSHATCH_KERNEL") == "python":
        return {}
    try:
        return {source: _compile(source, work) for source in SOURCES}
    except Exception as error:
        text = str(error).strip()
        told = text.splitlines()[-1][:120] if text else type(error).__name__
        print(f"glasshatch: no compiled kernels, so Python does their work: {told}", file=sys.stderr)
        return {}


def _compile(source: Path, work: Path) -> Path:
    """In a process of its own, because setuptools leaves its marks on the one that runs it."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", str(source), str(work)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Path(done.stdout.strip().splitlines()[-1])


def _compile_here(source: Path, work: Path) -> Path:
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    module = ".".join(source.relative_to(ROOT / "src").with_suffix("").parts)
    extension = Extension(
        module,
        [str(source)],
        include_dirs=[str(source.parent)],
        extra_compile_args=["-O3", "-g0"],
    )
    os.chdir(ROOT)
    with contextlib.redirect_stdout(io.StringIO()):
        modules = cythonize([extension], build_dir=str(work / "c"), quiet=True, language_level=3)
        command = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
        command.build_lib, command.build_temp = str(work / "lib"), str(work / "temp")
        command.ensure_finalized()
        command.run()
    return Path(command.get_ext_fullpath(module)).resolve()


def put_in_place(built: dict[Path, Path]) -> None:
    """Beside the source, by rename: a server that runs keeps the one it has loaded."""
    for source, binary in built.items():
        fresh = source.parent / f".{binary.name}.new"
        shutil.copyfile(binary, fresh)
        fresh.chmod(0o755)
        fresh.replace(source.parent / binary.name)


def main() -> int:
    if sys.argv[1:2] == ["--one"]:
        print(_compile_here(Path(sys.argv[2]), Path(sys.argv[3])))
        return 0
    with tempfile.TemporaryDirectory(prefix="glasshatch-kernel-") as work:
        built = compile_all(Path(work))
        put_in_place(built)
    return 0 if built else 1


if __name__ == "__main__":
    sys.exit(main())
