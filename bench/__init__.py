"""The benchmark: all that the project promises about speed (docs/benchmark.md)."""

import warnings

# One of the installed packages looks for the folders of a desktop at import; they are not used.
warnings.filterwarnings("ignore", module="platformdirs")
