-- SPDX-License-Identifier: MIT
-- Files that users uploaded for agents and actions; drafts and published versions of agents.

CREATE TABLE attachment (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL,
    name TEXT NOT NULL,
    mime TEXT NOT NULL,
    size BIGINT NOT NULL,
    object_key TEXT, -- NULL once it is deleted
    deleted_at BIGINT NOT NULL DEFAULT 0, -- 0: it is there
    created_at BIGINT NOT NULL
);
CREATE INDEX attachment_by_owner ON attachment (owner_id, created_at);

ALTER TABLE agent ADD COLUMN extra TEXT; -- JSON object of what only one face knows; NULL: none
ALTER TABLE agent ADD COLUMN disabled BIGINT NOT NULL DEFAULT 0;

-- The row in agent is what runs.  Version 0 is the draft of the next one, there while it differs.
CREATE TABLE agent_version (
    agent_id TEXT NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    name TEXT NOT NULL,
    config TEXT NOT NULL,
    extra TEXT,
    note TEXT, -- what the publisher said about it
    created_by TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (agent_id, version)
);
