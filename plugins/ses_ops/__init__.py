"""ses-ops: a mass-mail console on Apache Airflow."""

#: The version of the wheel, of `ses --version` and of the archives of `make dist`: they all read it here.
__version__ = "0.1.0"
