"""The router's tables, the same for SQLite and PostgreSQL. Times are micro-seconds since the epoch.

The migration makes them; here they are named for statements.
"""

from sqlalchemy import BigInteger, Column, Double, Integer, MetaData, Table, Text

METADATA = MetaData()

OVERRIDES = Table(
    "target_overrides",
    METADATA,
    Column("route", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("priority", Integer),
    Column("weight", Double),
    Column("admin_state", Integer),
)

PAUSES = Table(
    "target_pauses",
    METADATA,
    Column("target", Text, primary_key=True),
    Column("until_us", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("owner", Text, nullable=False),
)

CHANGES = Table(
    "target_changes",
    METADATA,
    Column("change_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("time_us", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
)
