-- The journal itself: what everything else is rebuilt from. checksum = sha256(previous checksum + payload).
CREATE TABLE journal (
    seq      INTEGER PRIMARY KEY,
    payload  TEXT NOT NULL,
    checksum BLOB NOT NULL
) STRICT;

-- What a probe of a full disk writes: one row, replaced each time.
CREATE TABLE probe (
    id   INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

-- Version of the views beside it; they are dropped and built anew when it is not the program's.
CREATE TABLE views_state (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;
INSERT INTO views_state (id, version) VALUES (1, 0);
