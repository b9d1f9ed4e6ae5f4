"""The database: sessions, models, migrations and what each system needs."""
