"""The server's settings, rewritten at each start; `ALTER SYSTEM` overrides them."""

import os
from pathlib import Path

from showup.database.embedded.folder import PORT, DataFolder
from showup.database.embedded.system_account import name_of

ROLE = "showup"
DATABASE = "showup"

_SETTINGS = """\
# Written by Showup at each start. To change a setting permanently, use ALTER SYSTEM.

# No network at all: only a socket in a folder that one account may enter.
listen_addresses = ''
port = {port}
unix_socket_directories = {socket_folder}
unix_socket_permissions = 0700
hba_file = {hba_file}
ident_file = {ident_file}

# A confirmed transaction is on disk and survives a crash.
fsync = on
synchronous_commit = on
full_page_writes = on

max_connections = 100
shared_buffers = 128MB
# Reading a page by an index costs hardly more than the next one, in memory and on an SSD. With the default of 4,
# PostgreSQL reads whole tables and long ranges to find a few rows of a page.
random_page_cost = 1.1
# Halves what is written after a checkpoint; these programs are built without lz4.
wal_compression = pglz
# A new database fills from nothing. Until PostgreSQL has counted a table, it plans as if the table were empty, and
# reads all of it to claim one delivery. It looks this often for tables to count, not once a minute.
autovacuum_naptime = 10s
# Reuse files of the write-ahead log: creating a new one delays the transactions that wait for a commit.
min_wal_size = 256MB

# A person who connects with psql sees Showup's tables at once.
search_path = 'showup, public'

timezone = 'UTC'
log_timezone = 'UTC'

# One log file. When it reaches this size, Showup renames it, and the server opens a new file with the same name.
logging_collector = on
log_directory = {log_folder}
log_filename = {log_name}
log_rotation_size = 10MB
log_rotation_age = 0
log_file_mode = 0600
log_line_prefix = '%m [%p] '
log_checkpoints = off
# Statements and the details of errors hold people's names and addresses; a log isn't the place for them.
log_min_error_statement = panic
log_error_verbosity = terse
"""


def write_settings(folder: DataFolder, socket_folder: Path) -> Path:
    """Write the server's settings and client authentication rules. Return the file that the server reads."""
    hba, ident = folder.settings / "pg_hba.conf", folder.settings / "pg_ident.conf"
    _write(hba, f"local all all peer map={ROLE}\n")
    # Only our account may connect: the server's own account never connects, and if it is `nobody`, others share it.
    _write(ident, f'{ROLE} "{name_of(os.geteuid())}" {ROLE}\n')
    settings = folder.settings / "postgresql.conf"
    _write(
        settings,
        _SETTINGS.format(
            port=PORT,
            socket_folder=_quoted(socket_folder),
            hba_file=_quoted(hba),
            ident_file=_quoted(ident),
            log_folder=_quoted(folder.log.parent),
            log_name=_quoted(folder.log.name),
        ),
    )
    return settings


def _quoted(value: Path | str) -> str:
    text = str(value).replace("\\", "\\\\").replace("'", "''")
    return f"'{text}'"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    # The server's account reads files that we own.
    path.chmod(0o644)
