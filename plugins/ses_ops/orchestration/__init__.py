"""Everything that is Airflow's: operators, the timetable, and what the command line and the console ask of Airflow."""
