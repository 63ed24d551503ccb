"""The databases that tests get."""

from tests.services.databases import Database


def test_a_database_is_empty_and_keeps_what_is_committed(database: Database) -> None:
    """On both engines a test can create tables and read back what it wrote."""
    database.run("CREATE TABLE jobs (id int)", "INSERT INTO jobs VALUES (17)")
    assert database.run("SELECT id FROM jobs") == [(17,)]
