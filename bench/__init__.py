"""Measures everything that the project promises about speed, in one run on one machine. See docs/benchmark.md."""

import warnings

# A wheel of ours looks for the folders of a desktop at import; none is used.
warnings.filterwarnings("ignore", module="platformdirs")
