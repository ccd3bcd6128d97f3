"""The mail console inside Airflow's UI: pages made on the server, live without a reload, by a plugin's FastAPI app.

`app.py` collects the pages; `access.py` says who may what; `page.py` renders `html/`; `language.py` has the words;
`database.py` reads. A change is a use case of `application/`: `actor.py` says who asks for it, `tell_airflow.py` gives
Airflow the notices of it. Pages share `forms.py`, `listing.py` and `flash.py`. CONTRIBUTING.md says how to add a page.
"""
