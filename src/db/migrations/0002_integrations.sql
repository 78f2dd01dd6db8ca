-- SPDX-License-Identifier: MIT
-- What integrations are made of: actions, triggers, connections and what running them needs; answers kept for Idempotency-Key.

ALTER TABLE integration ADD COLUMN allowed_hosts TEXT; -- JSON array; NULL: any public host
ALTER TABLE integration ADD COLUMN private_ok BIGINT NOT NULL DEFAULT 0; -- an administrator chose those hosts
ALTER TABLE integration ADD COLUMN icon_object TEXT; -- key of the stored icon
ALTER TABLE integration ADD COLUMN icon_type TEXT;
ALTER TABLE integration ADD COLUMN icon_version BIGINT NOT NULL DEFAULT 0;

CREATE TABLE action (
    id TEXT PRIMARY KEY,
    integration_id TEXT NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    position BIGINT NOT NULL, -- grows; what is shown as order is the rank
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    description TEXT NOT NULL,
    code TEXT,
    input_fields TEXT NOT NULL,
    requires_confirmation BIGINT NOT NULL,
    active_label TEXT,
    done_label TEXT,
    failed_label TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX action_by_name ON action (integration_id, name);
CREATE UNIQUE INDEX action_by_slug ON action (integration_id, slug);

CREATE TABLE integration_trigger (
    id TEXT PRIMARY KEY,
    integration_id TEXT NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    slug TEXT NOT NULL,
    description TEXT NOT NULL,
    kind TEXT NOT NULL, -- polling, webhook
    code TEXT,
    input_fields TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX integration_trigger_by_name ON integration_trigger (integration_id, name);
CREATE UNIQUE INDEX integration_trigger_by_slug ON integration_trigger (integration_id, slug);

CREATE TABLE connection (
    id TEXT PRIMARY KEY,
    integration_id TEXT NOT NULL REFERENCES integration (id) ON DELETE CASCADE,
    owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    label TEXT NOT NULL,
    status TEXT NOT NULL, -- pending, testing, active, refreshing, needs_reconnect
    error TEXT, -- why it is not active; never a secret
    sealed_values TEXT, -- object: auth field -> value
    sealed_oauth TEXT, -- object: the provider's token response
    expires_at BIGINT NOT NULL, -- of the access token; 0: unknown
    is_default BIGINT NOT NULL,
    shared BIGINT NOT NULL, -- everybody who may use the integration acts with it
    version BIGINT NOT NULL, -- raised with the secrets
    lease_until BIGINT NOT NULL, -- of whoever refreshes
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX connection_by_integration ON connection (integration_id, created_at);
CREATE INDEX connection_by_owner ON connection (owner_id, integration_id);

CREATE TABLE oauth_state (
    state_hash TEXT PRIMARY KEY,
    connection_id TEXT NOT NULL REFERENCES connection (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    sealed_data TEXT NOT NULL, -- object: verifier, redirect
    expires_at BIGINT NOT NULL
);
CREATE INDEX oauth_state_by_expiry ON oauth_state (expires_at);

CREATE TABLE idempotency (
    user_id TEXT NOT NULL,
    name TEXT NOT NULL, -- as the client sent it
    request_hash TEXT NOT NULL, -- of method, path and body
    status BIGINT NOT NULL, -- 0: the first request is still at work
    answer TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, name)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

CREATE TABLE trigger_instance (
    id TEXT PRIMARY KEY,
    trigger_id TEXT NOT NULL REFERENCES integration_trigger (id) ON DELETE CASCADE,
    owner_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    connection_id TEXT, -- no reference: the instance stays when it is gone, and says so
    target_kind TEXT NOT NULL, -- agent, flow
    target_id TEXT NOT NULL,
    input TEXT NOT NULL, -- JSON object
    state TEXT NOT NULL, -- inactive, seeding, polling, backoff, deactivated
    interval_us BIGINT NOT NULL,
    sealed_secret TEXT, -- of webhooks
    last_poll_at BIGINT NOT NULL, -- the last that succeeded; at first the activation
    next_poll_at BIGINT NOT NULL,
    failures BIGINT NOT NULL, -- in a row
    failing_since BIGINT NOT NULL, -- 0: not failing
    error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX trigger_instance_by_trigger ON trigger_instance (trigger_id, created_at);
CREATE INDEX trigger_instance_by_owner ON trigger_instance (owner_id, created_at);
CREATE INDEX trigger_instance_due ON trigger_instance (next_poll_at)
    WHERE state IN ('seeding', 'polling', 'backoff');

CREATE TABLE trigger_seen (
    instance_id TEXT NOT NULL REFERENCES trigger_instance (id) ON DELETE CASCADE,
    event_id TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (instance_id, event_id)
);
CREATE INDEX trigger_seen_by_age ON trigger_seen (instance_id, seen_at);
