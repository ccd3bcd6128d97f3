"""ses-ops: a mass-mail console on Apache Airflow."""

#: The one place of the version: the wheel, `ses --version` and the archives of `make dist` take it from here.
__version__ = "0.1.0"
