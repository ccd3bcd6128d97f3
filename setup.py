"""What pyproject.toml cannot say: a word to an older setuptools, and a place for what a build leaves behind."""

import atexit
import os
import shutil
import tempfile

import setuptools

#: The first that reads `license = "Apache-2.0"` in pyproject.toml (PEP 639).
LEAST = 77

if int(setuptools.__version__.split(".")[0]) < LEAST:
    raise SystemExit(
        f"ses-ops is built with setuptools {LEAST} or newer, and this is {setuptools.__version__}: "
        f"run `pip install 'setuptools>={LEAST}'`, or install without --no-build-isolation"
    )

# Not in this folder. What an earlier build left in build/lib would get into a wheel, files that are gone since too. And
# an *.egg-info beside the package is a second installation to whatever has plugins/ on its path: Airflow reports the
# plugin as registered twice then.
scratch = tempfile.mkdtemp(prefix="ses-ops-build-")
atexit.register(shutil.rmtree, scratch, ignore_errors=True)
egg_base = os.path.join(scratch, "egg")
os.mkdir(egg_base)
setuptools.setup(options={"build": {"build_base": scratch}, "egg_info": {"egg_base": egg_base}})
