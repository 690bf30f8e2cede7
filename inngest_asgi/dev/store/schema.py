"""The tables of the embedded server's file, as one script per version; runs nothing itself."""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE apps (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, url TEXT NOT NULL, sdk TEXT NOT NULL,
        framework TEXT NOT NULL, app_version TEXT NOT NULL, checksum TEXT NOT NULL,
        synced_at REAL, error TEXT);
    CREATE TABLE functions (
        id TEXT PRIMARY KEY, app_id TEXT NOT NULL, slug TEXT NOT NULL, name TEXT NOT NULL,
        url TEXT NOT NULL, max_attempts INTEGER NOT NULL, triggers TEXT NOT NULL,
        config TEXT NOT NULL, created_at REAL NOT NULL, archived_at REAL);
    CREATE TABLE events (
        internal_id TEXT PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL, ts INTEGER NOT NULL,
        received_at REAL NOT NULL, body BLOB NOT NULL);
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, function_id TEXT NOT NULL, event_id TEXT NOT NULL,
        status INTEGER NOT NULL, queued_at REAL NOT NULL, started_at REAL, ended_at REAL,
        output BLOB, request_version INTEGER NOT NULL, state TEXT NOT NULL);
    CREATE INDEX runs_of_event ON runs (event_id);
    CREATE TABLE memos (
        run_id TEXT NOT NULL, position INTEGER NOT NULL, step_id TEXT NOT NULL,
        name TEXT NOT NULL, op TEXT NOT NULL, value BLOB NOT NULL,
        PRIMARY KEY (run_id, position));
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY, run_id TEXT NOT NULL, kind TEXT NOT NULL, step_id TEXT,
        due REAL NOT NULL, attempt INTEGER NOT NULL, generation INTEGER NOT NULL,
        race INTEGER NOT NULL, name TEXT NOT NULL);
    CREATE TABLE starts (
        function_id TEXT NOT NULL, event_id TEXT NOT NULL, run_id TEXT NOT NULL, at REAL NOT NULL,
        PRIMARY KEY (function_id, event_id)) WITHOUT ROWID;
    CREATE TABLE history (
        seq INTEGER PRIMARY KEY, run_id TEXT NOT NULL, event_id TEXT NOT NULL, at REAL NOT NULL,
        kind TEXT NOT NULL, details TEXT NOT NULL);
    CREATE INDEX history_of_run ON history (run_id);
    """,
    """
    CREATE INDEX runs_by_status ON runs (status, queued_at);
    CREATE INDEX runs_of_function ON runs (function_id, queued_at);
    CREATE INDEX runs_queued ON runs (queued_at, id);
    CREATE INDEX runs_started ON runs (started_at, id);
    CREATE INDEX runs_ended ON runs (ended_at, id);
    CREATE INDEX events_by_id ON events (id);
    CREATE INDEX events_by_name ON events (name, internal_id);
    CREATE INDEX events_received ON events (received_at);
    CREATE TABLE reruns (
        run_id TEXT PRIMARY KEY, original_run_id TEXT NOT NULL, step_id TEXT,
        input BLOB) WITHOUT ROWID;
    CREATE TABLE metadata (
        run_id TEXT NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL, fields TEXT NOT NULL,
        PRIMARY KEY (run_id, target, kind)) WITHOUT ROWID;
    CREATE TABLE userland_spans (
        run_id TEXT NOT NULL, span_id TEXT NOT NULL, document TEXT NOT NULL,
        PRIMARY KEY (run_id, span_id)) WITHOUT ROWID;
    CREATE TABLE cancellations (id TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
    ALTER TABLE jobs ADD COLUMN value BLOB;
    ALTER TABLE jobs ADD COLUMN waits_for TEXT;
    CREATE TABLE defers (
        run_id TEXT NOT NULL, step_id TEXT NOT NULL, slug TEXT NOT NULL, input BLOB NOT NULL,
        state TEXT NOT NULL, PRIMARY KEY (run_id, step_id));
    CREATE TABLE rates (name TEXT PRIMARY KEY, clear_at REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE windows (
        id TEXT PRIMARY KEY, function_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
        opened_at REAL NOT NULL, due REAL NOT NULL, size INTEGER NOT NULL,
        ts INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE window_events (
        window_id TEXT NOT NULL, position INTEGER NOT NULL, event_id TEXT NOT NULL,
        PRIMARY KEY (window_id, position)) WITHOUT ROWID;
    CREATE TABLE batch_events (
        run_id TEXT NOT NULL, position INTEGER NOT NULL, event_id TEXT NOT NULL,
        batch_id TEXT NOT NULL, PRIMARY KEY (run_id, position)) WITHOUT ROWID;
    CREATE INDEX batches_of_event ON batch_events (event_id);
    CREATE INDEX history_of_event ON history (event_id) WHERE run_id = '';
    """,
    """
    CREATE INDEX window_events_of_event ON window_events (event_id);
    """,
)
"""The n-th script (from 1) takes the tables from version n - 1 to version n."""
