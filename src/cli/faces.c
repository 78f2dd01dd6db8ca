/* SPDX-License-Identifier: MIT */
/* Faces and their places; first match wins. */
#include "cli/faces.h"

#include "face/core/routes.h"
#include "face/langbot/routes.h"
#include "face/langdock/routes.h"
#include "face/langflow/routes.h"
#include "face/sage/routes.h"

const face_mount faces_mounts[] = {
    {"/metrics", &core_face},
    {"/openapi.json", &core_face},
    {"/docs", &core_face},

    {"/api/public", &langdock_face, .strip = true},
    {"/integrations", &langdock_face},
    {"/oauth/integrations", &langdock_face},
    {"/api/hooks", &langdock_face},
    {"/agent", &langdock_face},
    {"/assistant", &langdock_face},
    {"/attachment", &langdock_face},
    {"/openai", &langdock_face},
    {"/anthropic", &langdock_face},

    {"/api/v1/apikeys", &langbot_face},
    {"/api/v1/provider", &langbot_face},
    {"/api/v1/user", &langbot_face},
    {"/healthz", &langbot_face},

    {"/api/v2/agent", &sage_face},
    {"/api/v1", &langflow_face},
    {"/api/v2", &langflow_face},
    {"/health", &langflow_face},
    {"/health_check", &langflow_face},

    {"/prod-api", &sage_face, .strip = true},
    {"/", &sage_face},
};
const size_t faces_n_mounts = COUNT(faces_mounts);

static const char *sage_address(const struct settings *st)
{
    return st->listen_sage;
}

static const char *langbot_address(const struct settings *st)
{
    return st->listen_langbot;
}

static const char *langflow_address(const struct settings *st)
{
    return st->listen_langflow;
}

static const char *langdock_address(const struct settings *st)
{
    return st->listen_langdock;
}

const face_listener faces_listeners[] = {
    {&sage_face, sage_address},
    {&langbot_face, langbot_address},
    {&langflow_face, langflow_address},
    {&langdock_face, langdock_address},
};
const size_t faces_n_listeners = COUNT(faces_listeners);
