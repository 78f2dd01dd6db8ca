-- SPDX-License-Identifier: MIT
-- Users, keys, providers and models, agents, conversations, runs, flows, integrations.
-- Times are microseconds since 1970; booleans are 0 and 1; JSON is text.  The same text runs on SQLite and PostgreSQL.

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    email TEXT,
    email_key TEXT UNIQUE, -- the address in lower case
    nickname TEXT,
    phone TEXT,
    avatar_url TEXT,
    role TEXT NOT NULL,
    password_hash TEXT,
    extra TEXT NOT NULL,
    active BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_login_at BIGINT NOT NULL
);
CREATE INDEX users_by_age ON users (created_at);

CREATE TABLE user_config (
    user_id TEXT PRIMARY KEY, -- no reference: a user known only to a proxy in front has settings too
    config TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE web_session (
    id_hash TEXT PRIMARY KEY,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    data TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX web_session_by_user ON web_session (user_id);
CREATE INDEX web_session_by_expiry ON web_session (expires_at);

CREATE TABLE api_key (
    id TEXT PRIMARY KEY,
    number BIGINT NOT NULL UNIQUE,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    description TEXT,
    prefix TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    faces TEXT NOT NULL,
    masked TEXT,
    active BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX api_key_by_user ON api_key (user_id, created_at);

CREATE TABLE provider (
    id TEXT PRIMARY KEY,
    owner_id TEXT, -- NULL: the system's
    name TEXT NOT NULL,
    requester TEXT NOT NULL,
    base_url TEXT NOT NULL,
    sealed_keys TEXT,
    extra TEXT NOT NULL,
    is_default BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX provider_by_owner ON provider (owner_id, created_at);

CREATE TABLE model (
    id TEXT PRIMARY KEY,
    provider_id TEXT NOT NULL REFERENCES provider (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    abilities TEXT NOT NULL,
    extra_args TEXT NOT NULL,
    reasoning TEXT,
    context_length BIGINT NOT NULL,
    ranking BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX model_by_provider ON model (provider_id, created_at);
CREATE INDEX model_by_name ON model (name);

CREATE TABLE agent (
    id TEXT PRIMARY KEY,
    owner_id TEXT, -- NULL: nobody's
    name TEXT NOT NULL,
    config TEXT NOT NULL,
    is_default BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX agent_by_owner ON agent (owner_id, created_at);
CREATE INDEX agent_by_age ON agent (created_at);

CREATE TABLE agent_user (
    agent_id TEXT NOT NULL REFERENCES agent (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    PRIMARY KEY (agent_id, user_id)
);
CREATE INDEX agent_user_by_user ON agent_user (user_id);

-- Session ids come from clients and are random; messages hang on a number that grows with time, so that the newest ones lie
-- together in their table and indexes.
CREATE TABLE conversation (
    number BIGINT PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    agent_id TEXT,
    agent_name TEXT,
    title TEXT NOT NULL,
    parent_id TEXT,
    state TEXT NOT NULL,
    shared BIGINT NOT NULL,
    message_count BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX conversation_by_user ON conversation (user_id, updated_at);
CREATE INDEX conversation_by_parent ON conversation (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE message (
    conversation BIGINT NOT NULL, -- its number; no reference: the hottest insert of all
    seq BIGINT NOT NULL,
    message_id TEXT NOT NULL,
    role TEXT NOT NULL,
    type TEXT,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (conversation, seq)
);
CREATE UNIQUE INDEX message_by_id ON message (conversation, message_id);

CREATE TABLE run (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    source TEXT NOT NULL,
    status TEXT NOT NULL,
    error TEXT,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    total_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    input_audio_tokens BIGINT NOT NULL,
    output_audio_tokens BIGINT NOT NULL,
    steps BIGINT NOT NULL,
    step_models TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL
);
CREATE INDEX run_by_session ON run (session_id);
CREATE INDEX run_by_finish ON run (finished_at) WHERE finished_at > 0;
CREATE INDEX run_going_on ON run (id) WHERE status = 'running';

CREATE TABLE folder (
    id TEXT PRIMARY KEY,
    user_id TEXT,
    name TEXT NOT NULL,
    description TEXT,
    parent_id TEXT,
    auth_settings TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX folder_by_name ON folder (user_id, name);

CREATE TABLE flow (
    id TEXT PRIMARY KEY,
    user_id TEXT,
    folder_id TEXT REFERENCES folder (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    endpoint_name TEXT,
    description TEXT,
    icon TEXT,
    icon_bg_color TEXT,
    gradient TEXT,
    data TEXT,
    tags TEXT,
    action_name TEXT,
    action_description TEXT,
    access_type TEXT NOT NULL,
    fs_path TEXT,
    is_component BIGINT NOT NULL,
    webhook BIGINT NOT NULL,
    locked BIGINT NOT NULL,
    mcp_enabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX flow_by_name ON flow (user_id, name);
CREATE UNIQUE INDEX flow_by_endpoint ON flow (user_id, endpoint_name);
CREATE INDEX flow_by_folder ON flow (folder_id);
CREATE INDEX flow_by_change ON flow (user_id, updated_at);

CREATE TABLE integration (
    id TEXT PRIMARY KEY,
    owner_id TEXT, -- NULL: built in
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    auth_type TEXT NOT NULL,
    auth_fields TEXT NOT NULL,
    auth_test_code TEXT,
    oauth TEXT,
    sealed_oauth TEXT,
    icon_url TEXT,
    color TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX integration_by_owner ON integration (owner_id);

CREATE TABLE kv (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
