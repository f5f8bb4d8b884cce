"""PostgreSQL: tables, migrations and queries; the only importer of sqlmodel."""
