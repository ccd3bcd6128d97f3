"""The build settings that pyproject.toml cannot have.

They are an error for older versions of setuptools, and a temporary folder for the files of a build.
"""

import atexit
import os
import shutil
import tempfile

import setuptools

#: The first major version of setuptools that reads `license = "Apache-2.0"` in pyproject.toml (PEP 639).
LEAST = 77

if int(setuptools.__version__.split(".")[0]) < LEAST:
    raise SystemExit(
        f"ses-ops is built with setuptools {LEAST} or newer, and this is {setuptools.__version__}: "
        f"run `pip install 'setuptools>={LEAST}'`, or install without --no-build-isolation"
    )

# The files of a build are not in this folder. Files that an earlier build left in build/lib would get into a wheel,
# also those that were removed since. And an *.egg-info beside the package is a second installation for every program
# that has plugins/ on its path: Airflow then reports the plugin as registered twice.
scratch = tempfile.mkdtemp(prefix="ses-ops-build-")
atexit.register(shutil.rmtree, scratch, ignore_errors=True)
egg_base = os.path.join(scratch, "egg")
os.mkdir(egg_base)
setuptools.setup(options={"build": {"build_base": scratch}, "egg_info": {"egg_base": egg_base}})
