"""Adds to the package what it imports and nobody publishes for Python: the module of buf.validate.

It is made when the package is built, from the descriptor image of the contracts, which has it whole.
"""

import pathlib
import shutil
import sys

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = pathlib.Path(__file__).resolve().parent
FILE = "buf/validate/validate.proto"
# In a source distribution the image lies beside this file.
IMAGES = (HERE / "cqc.binpb", HERE.parent / "descriptor" / "cqc.binpb")


def image() -> pathlib.Path:
    for path in IMAGES:
        if path.is_file():
            return path
    raise FileNotFoundError(f"Cannot find the descriptor image at {' or '.join(map(str, IMAGES))}")


class BuildWithRules(build_py):
    """Builds the package and the module of the rules beside it."""

    def run(self) -> None:
        from grpc_tools import protoc

        # An editable install takes modules from the sources.
        target = HERE if self.editable_mode else pathlib.Path(self.build_lib).resolve()
        if not self.editable_mode:
            # What an earlier build left would be packed too.
            shutil.rmtree(target, ignore_errors=True)
        super().run()
        target.mkdir(parents=True, exist_ok=True)
        options = [f"--descriptor_set_in={image()}", f"--python_out={target}", f"--mypy_out=quiet:{target}"]
        if protoc.main(["protoc", *options, FILE]) != 0:
            sys.exit(f"Cannot generate the module of {FILE}")
        (target / "buf" / "validate" / "py.typed").touch()


class SdistWithImage(sdist):
    """Puts the descriptor image into the source distribution."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        shutil.copyfile(image(), pathlib.Path(base_dir) / "cqc.binpb")


setup(cmdclass={"build_py": BuildWithRules, "sdist": SdistWithImage})
