"""The mail console inside Airflow's UI: pages made on the server, live without a reload, by a plugin's FastAPI app.

`app.py` collects the pages; `access.py` says who may what; `page.py` renders `html/`; `language.py` has the words;
`database.py` reads; `audit.py` records; pages share `forms.py`, `listing.py`, `flash.py` and `tell_airflow.py`.
CONTRIBUTING.md says how to add a page.
"""
