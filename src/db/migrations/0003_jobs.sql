-- The durable queue of background work.

CREATE TABLE job (
    id TEXT PRIMARY KEY,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    owner_id TEXT,
    lane TEXT,
    unique_key TEXT, -- emptied when the job ends
    payload TEXT NOT NULL,
    state TEXT NOT NULL, -- queued, running, done, failed, cancelled
    run_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    max_attempts BIGINT NOT NULL,
    claim TEXT, -- who runs it
    leased_until BIGINT NOT NULL DEFAULT 0,
    progress TEXT,
    error TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX job_by_key ON job (unique_key);
CREATE INDEX job_due ON job (state, run_at);
CREATE INDEX job_by_lane ON job (lane, seq);
CREATE INDEX job_by_claim ON job (claim);
CREATE INDEX job_by_owner ON job (owner_id, seq);
