-- The views may be a batch behind the journal: their rows are those of the records up to `seq`.
ALTER TABLE views_state ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
UPDATE views_state SET seq = (SELECT ifnull(max(seq), 0) FROM journal);
