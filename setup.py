"""Builds the compiled core; everything else about the package is in pyproject.toml.

Environment variables select the build:

* WIRESPEED_BUILD_EXTENSION: if unset, a failed build installs pure Python; with `1` the build
  must succeed; with `0` the wheel is pure Python.
* WIRESPEED_DEBUG=1 checks every index; WIRESPEED_SANITIZE=1 adds ASan and UBSan.
* WIRESPEED_FUZZ=1 adds these and what libFuzzer needs to see the coverage; CC must be clang.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent
CYTHON = Path("cython", "wirespeed")
SINGLE_SOURCE = Path("src", "wirespeed", "_channel")
SINGLE_SOURCE_TWIN = CYTHON / "_channel_c"

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    # An object made without `__init__` raises instead of crashing. A file where this takes over 1 %
    # of a message's instructions switches it off in its first line.
    "nonecheck": True,
    # Types come only from the .pxd files: an annotation `float` also allows `int`.
    "annotation_typing": False,
    "freethreading_compatible": True,
    "binding": False,
    "auto_pickle": False,
    "autotestdict": False,
    "embedsignature": True,
    # The only format that fills `__text_signature__`, which inspect and stubtest read.
    "embedsignature.format": "clinic",
}
# Only the function that Python calls is seen from outside of a module.
OPTIMIZED = ["-O3", "-g0", "-fno-strict-aliasing", "-fvisibility=hidden"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]
SANITIZED = ["-O1", "-g", "-fno-strict-aliasing", "-fno-omit-frame-pointer", *SANITIZERS]
# clang's UBSan also forbids to add 0 to a null pointer, which Cython's code for calls does.
FUZZED = [*SANITIZED, "-fsanitize=fuzzer-no-link", "-fno-sanitize=pointer-overflow"]


def switch(name: str) -> str:
    """Return the value of an environment variable: "0", "1", or "" if it is unset."""
    value = os.environ.get(name, "")
    if value not in ("", "0", "1"):
        sys.exit(f"{name} is {value!r}, allowed are 0, 1 or unset")
    return value


MODE = switch("WIRESPEED_BUILD_EXTENSION")
DEBUG = switch("WIRESPEED_DEBUG") == "1"
FUZZ = switch("WIRESPEED_FUZZ") == "1"
SANITIZE = FUZZ or switch("WIRESPEED_SANITIZE") == "1"
FLAVOUR = ("debug-" if DEBUG else "") + (
    "fuzzed" if FUZZ else "sanitized" if SANITIZE else "release"
)


def is_wanted() -> bool:
    """Return whether to compile; on interpreters other than CPython only on request."""
    return MODE == "1" or (MODE == "" and platform.python_implementation() == "CPython")


def single_source_twin(pxd: Path) -> Path:
    """Return the second path of a module that is compiled from the package's own source.

    In git this path is a symbolic link. In an sdist it is a copy, and in a checkout on Windows a
    text file with the link's target. If the contents differ, this replaces it with a copy.
    """
    twin = pxd.with_suffix(".py")
    source = SINGLE_SOURCE / twin.relative_to(SINGLE_SOURCE_TWIN)
    if not twin.exists() or twin.read_bytes() != source.read_bytes():
        twin.unlink(missing_ok=True)
        shutil.copyfile(source, twin)
    return twin


def extensions() -> list[Extension]:
    """Return every compiled module with its sources."""
    pxds = [pxd for pxd in SINGLE_SOURCE_TWIN.rglob("*.pxd") if pxd.stem != "__init__"]
    sources = [single_source_twin(pxd) for pxd in sorted(pxds)] + sorted(CYTHON.rglob("*.pyx"))
    depends = [str(file) for kind in ("h", "pxd", "pxi") for file in CYTHON.rglob(f"*.{kind}")]
    return [
        Extension(
            ".".join(source.relative_to("cython").with_suffix("").parts),
            [str(source)],
            include_dirs=[str(CYTHON)],
            depends=[*depends, str(source)],
        )
        for source in sources
    ]


class BuildCore(build_ext):
    """Compiles the whole core or, if that is allowed, no part of it."""

    def run(self) -> None:
        """Build every extension; after a failure keep none, or raise if they are required."""
        try:
            super().run()
        except Exception as error:
            self.remove_outputs()
            if MODE == "1":
                raise
            self.extensions = []
            print(
                f"WARNING: the compiled core could not be built ({error}).\n"
                "WARNING: installing wirespeed in pure Python: it works, but it is many times"
                " slower.\n"
                "WARNING: set WIRESPEED_BUILD_EXTENSION=1 to make this an error.",
                file=sys.stderr,
            )

    def build_extensions(self) -> None:
        """Turn Cython into C, then C into extensions."""
        # Imported here, because an sdist or a pure wheel does not need Cython.
        import Cython
        from Cython.Build import cythonize

        directives = {**DIRECTIVES, "boundscheck": DEBUG}
        made = cythonize(
            [Extension(extension.name, list(extension.sources)) for extension in self.extensions],
            include_path=["cython"],
            # A directory for each version and debug mode: Cython compares only modification times.
            build_dir=f"build/cython-{Cython.__version__}{'-debug' if DEBUG else ''}",
            compiler_directives=directives,
        )
        for extension, translated in zip(self.extensions, made, strict=True):
            extension.sources = translated.sources
            self.set_flags(extension)
        # One compiler per processor core, unless `build_ext --parallel` sets another number.
        self.parallel = self.parallel or True
        super().build_extensions()

    def set_flags(self, extension: Extension) -> None:
        """Choose the compiler's flags."""
        if extension.name == "wirespeed._channel_c.send.sender":
            # The base of a Python class, which passes keyword arguments through `tp_new`. Cython
            # 3.3 converts them, and crashes if the tuple of their names cannot be allocated.
            extension.define_macros = [("CYTHON_VECTORCALL_TPNEW", "0")]
        if self.compiler.compiler_type == "msvc":
            extension.extra_compile_args = ["/O2"]
        elif SANITIZE:
            extension.extra_compile_args = FUZZED if FUZZ else SANITIZED
            extension.extra_link_args = SANITIZERS
        else:
            extension.extra_compile_args = OPTIMIZED

    def remove_outputs(self) -> None:
        """Remove the outputs of this and earlier builds: a partial or old core is a trap."""
        build_py = self.get_finalized_command("build_py")
        for extension in self.extensions:
            file = self.get_ext_filename(extension.name)
            in_place = Path(build_py.get_package_dir("wirespeed")).parent / file
            for output in (Path(self.build_lib) / file, in_place):
                output.unlink(missing_ok=True)


def main() -> None:
    """Run setuptools."""
    os.chdir(ROOT)
    options = {"build": {"build_base": f"build/{FLAVOUR}"}}
    if is_wanted():
        setup(ext_modules=extensions(), cmdclass={"build_ext": BuildCore}, options=options)
    else:
        setup(options={"build": {"build_base": "build/pure"}})


main()
